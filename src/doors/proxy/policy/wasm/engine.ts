/**
 * WebAssembly's interface to JavaScript, as far as it is used: TypeScript describes it together with browsers only.
 * What a module is, the types of Node say too, for threads.
 */
export interface Engine {
  compile(bytes: Uint8Array): Promise<WebAssembly.Module>;
  readonly Module: {
    new (bytes: Uint8Array): WebAssembly.Module;
    imports(module: WebAssembly.Module): { module: string; name: string; kind: string }[];
    exports(module: WebAssembly.Module): { name: string; kind: string }[];
  };
  readonly Instance: new (
    module: WebAssembly.Module,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (limits: { initial: number; maximum?: number }) => EngineMemory;
}

export interface EngineMemory {
  readonly buffer: ArrayBuffer;
}

export interface EngineGlobal {
  value: number;
}

export interface EngineTable {
  set(index: number, value: unknown): void;
}

export const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;
