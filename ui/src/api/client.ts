import { QueryClient } from '@tanstack/react-query';
import { ApiError, toApiError } from '~/api/errors';
import { client } from '~/api/generated/client.gen';

/** Where people sign in: a page of the server's own, which leads back to `next`. */
export function signInUrl(): string {
  const next = window.location.pathname + window.location.search;
  return next === '/' ? '/signin' : `/signin?next=${encodeURIComponent(next)}`;
}

/** Points the generated client at this server; every failure becomes an ApiError, a lost session leads to sign-in. */
export function configureClient(): void {
  client.setConfig({ baseUrl: window.location.origin, credentials: 'same-origin' });
  // The client's types say that a response is always there; it is not when the network failed.
  client.interceptors.error.use((error, response: Response | undefined) => {
    if (error instanceof DOMException && error.name === 'AbortError') return error;
    const failure = toApiError(response?.status ?? 0, error);
    if (failure.status === 401) window.location.assign(signInUrl());
    return failure;
  });
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) =>
          failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      },
    },
  });
}

/** The body of a successful answer; for calls made with `throwOnError`. */
export async function body<T>(answer: Promise<{ data: T }>): Promise<T> {
  return (await answer).data;
}
