/** What the server said no to, in its own words; `details` is for programs (a position, a revision). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Turns any answer that is not a success into an ApiError that a person can act on; status 0 = no answer at all. */
export function toApiError(status: number, body: unknown): ApiError {
  if (status === 0) return new ApiError(0, 'unreachable', 'The server cannot be reached.');
  if (typeof body === 'object' && body !== null && 'message' in body) {
    const { code, message, details } = body as {
      code?: string;
      message: unknown;
      details?: Record<string, unknown> | null;
    };
    return new ApiError(status, code ?? 'error', String(message), details ?? {});
  }
  return new ApiError(status, 'error', `The server answered with status ${status}.`);
}

/** What a person reads when something failed, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409;
