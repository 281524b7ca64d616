export { ApiError } from './api-error.ts';
export { type ApiClient, openApi } from './client.ts';
export { exponentialPause, type RetryOptions, retry } from './retry.ts';
