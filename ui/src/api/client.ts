/** The platform's API: one typed client, which names the caller and turns every refusal into an `ApiProblem`. */
import createClient, { type Middleware } from "openapi-fetch";
import { callerHeaders } from "./caller";
import type { components, paths } from "./openapi";
import { send } from "./send";

export type Schemas = components["schemas"];

export interface FieldProblem {
  pointer: string;
  detail: string;
}

/** What the platform refused, or that it could not be reached (`status` 0). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string | null;
  readonly requestId: string | null;
  readonly fields: readonly FieldProblem[];
  readonly retryAfterSeconds: number | null;

  constructor(status: number, body: Partial<Schemas["Problem"]>, retryAfter: string | null = null) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.status = status;
    this.title = body.title ?? "";
    this.detail = body.detail ?? "";
    this.code = body.code ?? null;
    this.requestId = body.request_id ?? null;
    this.fields = body.errors ?? [];
    const seconds = Number(retryAfter);
    this.retryAfterSeconds = retryAfter !== null && Number.isFinite(seconds) ? seconds : null;
  }

  get isUnreachable(): boolean {
    return this.status === 0;
  }
}

let serverAheadMs = 0;

/** Now by the platform's clock, as far as its `Date` headers tell. */
export function serverNow(): number {
  return Date.now() + serverAheadMs;
}

const edge: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(callerHeaders())) {
      if (!request.headers.has(name)) request.headers.set(name, value);
    }
    return request;
  },
  async onResponse({ response }) {
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (Number.isFinite(date)) serverAheadMs = date - Date.now();
    if (!response.ok) throw await problemOf(response);
    return response;
  },
  onError({ error }) {
    const isCut = error instanceof TypeError;
    return isCut ? new ApiProblem(0, { title: "No connection", detail: error.message }) : undefined;
  },
};

/** The refusal in a response that is not one of success. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const text = await response.text();
  let body: Partial<Schemas["Problem"]> = {};
  try {
    body = JSON.parse(text);
  } catch {
    body = { title: response.statusText, detail: "" }; // a proxy on the way answered, not the platform
  }
  return new ApiProblem(response.status, body, response.headers.get("Retry-After"));
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: (request) => send(request) });
api.use(edge);

/** The body of an answer that has one; `api` has thrown already where the platform refused. */
export function bodyOf<T>(answer: { data?: T }): T {
  return answer.data as T;
}
