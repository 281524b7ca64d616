import type { FastifyRequest } from 'fastify';
import type { Access } from '../../../auth/access.ts';
import type { Authenticator } from '../../../auth/authenticator.ts';
import { limitToken } from '../../../auth/limits/limit-hooks.ts';
import type { RateLimits } from '../../../auth/limits/rate-limits.ts';
import type { AuthMetrics } from '../../../auth/metrics.ts';
import { accessOf, requireBearer, requireRight, requireServersTenant } from '../../../auth/require-bearer.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { HttpApp } from '../../../http/listener.ts';
import type { TrustedProxies } from '../../../http/trusted-proxies.ts';
import type { AuditEvent, AuditLog } from '../../../telemetry/audit-log.ts';
import type { Mount } from './mount.ts';
import { readChanges, readTerms, shownMount } from './mount-fields.ts';
import type { MountTable } from './mount-table.ts';

const PATH = '/api/v1/mounts';

export interface MountRoutesOptions {
  readonly mounts: MountTable;
  readonly authenticator: Authenticator;
  readonly authMetrics: AuthMetrics;
  readonly limits?: RateLimits | undefined;
  readonly audit: AuditLog;
  /** Tells a client's address, for the audit log. */
  readonly proxies: TrustedProxies;
}

type ById = FastifyRequest<{ Params: { readonly id: string } }>;
type Action = Extract<AuditEvent['action'], 'mount' | 'change-mount' | 'unmount'>;

const ACTIONS: Readonly<Record<string, Action>> = {
  POST: 'mount',
  PATCH: 'change-mount',
  DELETE: 'unmount',
};

/**
 * `POST|GET /api/v1/mounts` and `GET|PATCH|DELETE /api/v1/mounts/{id}`: which folders are mounts. To see them takes the
 * right `files`, to change them `admin`, with a line in the audit log.
 */
export function registerMounts(app: HttpApp, options: MountRoutesOptions): void {
  const { mounts, authenticator, authMetrics, limits, audit, proxies } = options;

  const letIn = (scope: HttpApp): void => {
    scope.addHook('onRequest', requireBearer(authenticator, authMetrics));
    if (limits) scope.addHook('onRequest', limitToken(limits));
    scope.addHook('onRequest', requireServersTenant(authMetrics));
  };

  app.register(async (plugin) => {
    const scope = plugin as HttpApp;
    letIn(scope);
    scope.addHook('onRequest', requireRight('files', authMetrics));
    scope.get(PATH, async (request) => {
      const label = labelIn(request);
      const shown = mounts.all().filter((mount) => label === undefined || mount.label === label);
      return { mounts: shown.map(shownMount) };
    });
    scope.get(`${PATH}/:id`, async (request: ById) => shownMount(found(request)));
  });

  app.register(async (plugin) => {
    const scope = plugin as HttpApp;
    letIn(scope);
    scope.addHook('onRequest', requireRight('admin', authMetrics, refuse));
    scope.post(PATH, async (request, reply) => {
      const terms = readTerms(request.body);
      const mount = await audited(request, terms.path, () => mounts.add(terms));
      return reply.code(201).header('location', `${PATH}/${mount.id}`).send(shownMount(mount));
    });
    scope.patch(`${PATH}/:id`, async (request: ById) => {
      const changes = readChanges(request.body);
      const { id, path } = found(request);
      return shownMount(await audited(request, path, () => mounts.change(id, changes)));
    });
    scope.delete(`${PATH}/:id`, async (request: ById, reply) => {
      const { id, path } = found(request);
      await audited(request, path, () => mounts.remove(id));
      return reply.code(204).send();
    });
  });

  function found({ params }: ById): Mount {
    const mount = mounts.get(params.id);
    if (!mount) throw new VelocityError('NOT_FOUND', 'There is no such mount.');
    return mount;
  }

  async function audited<T>(request: FastifyRequest, key: string, change: () => Promise<T>): Promise<T> {
    const event = eventOf(request, accessOf(request), key);
    audit.record({ ...event, result: 'begun' });
    try {
      const changed = await change();
      audit.record({ ...event, result: 'done' });
      return changed;
    } catch (error) {
      audit.record({ ...event, result: 'failed' });
      throw error;
    }
  }

  /** Before any body is read: a mount that is not there yet has no path then. */
  function refuse(request: FastifyRequest, access: Access): void {
    const { id } = request.params as { readonly id?: string };
    const key = (id === undefined ? undefined : mounts.get(id)?.path) ?? 'no mount';
    audit.record({ ...eventOf(request, access, key), result: 'refused' });
  }

  function eventOf(request: FastifyRequest, { id: who }: Access, key: string) {
    const action = ACTIONS[request.method] ?? 'mount';
    return { who, action, key, requestId: request.id, address: proxies.clientOf(request.raw) };
  }
}

function labelIn({ query }: FastifyRequest): string | undefined {
  const { label, ...others } = query as { readonly label?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new VelocityError('BAD_REQUEST', `There is no parameter "${other}" here.`, { field: other });
  if (label === undefined || typeof label === 'string') return label;
  throw new VelocityError('BAD_REQUEST', '"label" is given more than once.', { field: 'label' });
}
