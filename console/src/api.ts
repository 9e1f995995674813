/**
 * How the console asks the server: the transport of a browser that is signed in, and hooks that read and change resources.
 * Every answer is checked against the contract; every error is an `ApiProblem`. Reads are kept by endpoint and request;
 * after a change, all reads are asked again, because one change shows in many places.
 */
import { ApiProblem, call, type Endpoint, type Result, type Sent, type Transport } from '@muster/contracts'
import {
  infiniteQueryOptions,
  QueryClient,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/react-query'
import { confirmThen } from './shell/confirmation.ts'
import { currentLanguage } from './texts.ts'

export const API = '/api/v1'

const TIMEOUT_MS = 60_000

/** The status of an answer that never came. */
const NO_ANSWER = 0

export const transport: Transport = async ({ method, path, query, body }) => {
  const search = new URLSearchParams(query).toString()
  const isText = typeof body === 'string'
  let response: Response
  try {
    // oxlint-disable-next-line no-restricted-globals -- the only way out of a browser; on servers it is undici
    response = await fetch(`${API}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers: {
        accept: 'application/json',
        'accept-language': currentLanguage(),
        ...(body === undefined ? {} : { 'content-type': isText ? 'text/plain' : contentTypeOf(method) }),
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      credentials: 'same-origin',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (cause) {
    throw Object.assign(new ApiProblem(noAnswer()), { cause })
  }
  return { status: response.status, body: await bodyOf(response) }
}

function contentTypeOf(method: Endpoint['method']): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function noAnswer() {
  const isChinese = currentLanguage() === 'zh'
  return {
    type: 'about:blank',
    title: isChinese ? '服务器没有响应' : 'The server did not answer',
    status: NO_ANSWER,
    detail: isChinese ? '无法连接 Muster 服务器。' : 'Muster could not be reached from this browser.',
    code: 'client/no-answer',
    remedy: isChinese
      ? '请检查网络连接以及服务器是否在运行，然后重试。没有任何内容被更改，或更改的结果未知。'
      : 'Check the network and whether the server runs, then try again. Whether a change was made is not known.',
  }
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 2 && isPassing(error),
    },
  },
})

/** Worth asking again: nobody answered, or the server said that it cannot now. */
function isPassing(error: Error): boolean {
  return error instanceof ApiProblem && (error.status === NO_ANSWER || error.status === 503)
}

/** One read. For `useQuery`, `useSuspenseQuery` and prefetching alike. */
export function read<const E extends Endpoint>(endpoint: E, request: Sent<E>) {
  return queryOptions({
    queryKey: [endpoint.operationId, request],
    queryFn: () => call(endpoint, request, transport),
  })
}

/** @param options `refetchInterval` in milliseconds, or a function of the latest data */
export function useRead<const E extends Endpoint>(
  endpoint: E,
  request: Sent<E>,
  options: {
    enabled?: boolean
    refetchInterval?: number | ((latest: Result<E> | undefined) => number | false)
  } = {},
) {
  const { enabled = true, refetchInterval } = options
  return useQuery<Result<E>>({
    queryKey: [endpoint.operationId, request],
    queryFn: () => call(endpoint, request, transport),
    enabled,
    ...(refetchInterval === undefined
      ? {}
      : {
          refetchInterval: (query) =>
            typeof refetchInterval === 'number' ? refetchInterval : refetchInterval(query.state.data),
        }),
  })
}

export interface List<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
  readonly total: number
}

export interface ListOptions<Item> {
  readonly limit?: number
  readonly enabled?: boolean
  /** When to look again, in milliseconds, by what is shown. */
  readonly refetchInterval?: (shown: readonly Item[]) => number | false
}

/** A list, page by page as somebody scrolls. @param request without limit and cursor */
export function useList<const E extends Endpoint>(
  endpoint: E,
  request: Sent<E>,
  { limit = 100, enabled = true, refetchInterval = () => false }: ListOptions<ItemOf<E>> = {},
) {
  return useInfiniteQuery(
    infiniteQueryOptions({
      queryKey: [endpoint.operationId, 'pages', request, limit],
      enabled,
      refetchInterval: ({ state: { data } }: { state: { data: InfiniteData<List<ItemOf<E>>> | undefined } }) =>
        refetchInterval(data?.pages.flatMap(({ items }) => items) ?? []),
      initialPageParam: null as string | null,
      async queryFn({ pageParam }) {
        const { query } = request as { query?: object }
        const asked = { ...query, limit, ...(pageParam === null ? {} : { cursor: pageParam }) }
        const answer = await call(endpoint, { ...(request as object), query: asked } as Sent<E>, transport)
        return answer as unknown as List<ItemOf<E>> // an endpoint with a cursor answers a list
      },
      getNextPageParam: ({ nextCursor }) => nextCursor,
    }),
  )
}

export type ItemOf<E extends Endpoint> = Result<E> extends { items: (infer Item)[] } ? Item : never

/**
 * One change. Asks for the password first where the server wants a recent one, and goes on when it was given. Errors are
 * not caught: show `error` beside what caused it.
 * @param onDone happens before anything is read again, so also where that takes the caller off the page. What is given to
 * `mutate` does not: it is for who stays.
 */
export function useAction<const E extends Endpoint>(endpoint: E, onDone?: (answer: Result<E>, sent: Sent<E>) => void) {
  const client = useQueryClient()
  return useMutation<Result<E>, Error, Sent<E>>({
    mutationFn: (request) => confirmThen(() => call(endpoint, request, transport)),
    async onSuccess(answer, sent) {
      onDone?.(answer, sent)
      await client.invalidateQueries()
    },
  })
}

/** Where a browser gets all of a list as a file, whatever its length. */
export function exportAddress<const E extends Endpoint>(endpoint: E, request: Sent<E>): string {
  const { params = {}, query = {} } = request as { params?: Record<string, string>; query?: Record<string, unknown> }
  const path = endpoint.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
  const given = Object.entries<unknown>({ ...query, format: 'csv' }).filter(([, value]) => value !== undefined)
  return `${API}${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
