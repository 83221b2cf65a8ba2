use http::header::{CONNECTION, HeaderMap, HeaderName};

/// The headers of a provider's answer that the client may see.
///
/// An allow-list, because what is not known may tell whose account it was: `content-type`, `request-id`,
/// `retry-after`, `x-should-retry`, `anthropic-*` but the organisation's id, `x-ratelimit-*`,
/// `openai-processing-ms`, `openai-version` and `x-gemini-service-tier`.
///
/// Not OpenAI's `x-request-id`, for so the gateway calls its own, nor `retry-after-ms`, which clients would believe
/// more than a `retry-after` of the gateway's.
#[must_use]
pub fn response_headers(from: &HeaderMap) -> HeaderMap {
    copy(from, |name| match name {
        "content-type" | "request-id" | "retry-after" | "x-should-retry" => true,
        "openai-processing-ms" | "openai-version" | "x-gemini-service-tier" => true,
        "anthropic-organization-id" => false,
        _ => name.starts_with("anthropic-") || name.starts_with("x-ratelimit-"),
    })
}

/// The headers of a client's request that a provider may see, but for what that provider adds or takes away.
///
/// Everything but what follows, for clients and providers invent headers faster than gateways learn of them:
///
/// - credentials for the gateway, and cookies;
/// - hop-by-hop headers, and those that `connection` names;
/// - what says where the request came from or whereto;
/// - what describes the body as it was on the wire: it is sent decoded and with its own length;
/// - what is meant for the gateway itself.
pub(crate) fn forwardable(from: &HeaderMap) -> HeaderMap {
    copy(from, |name| {
        !(is_credential(name)
            || is_hop_by_hop(name)
            || is_of_the_way(name)
            || is_of_the_wire(name)
            || is_for_the_gateway(name))
    })
}

fn copy(from: &HeaderMap, is_wanted: impl Fn(&str) -> bool) -> HeaderMap {
    // Room for what a provider adds, so that the map is made once.
    let mut to = HeaderMap::with_capacity(from.len() + 4);
    for (name, value) in from {
        if is_wanted(name.as_str()) && !is_named_by_connection(from, name) {
            to.append(name, value.clone());
        }
    }
    to
}

fn is_named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
}

fn is_credential(name: &str) -> bool {
    matches!(
        name,
        "authorization" | "x-api-key" | "x-goog-api-key" | "api-key" | "cookie" | "cookie2"
    )
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" | "http2-settings"
    ) || name.starts_with("proxy-")
}

fn is_of_the_way(name: &str) -> bool {
    matches!(name, "host" | "origin" | "referer") || is_forwarding(name)
}

/// Whether it is one of the headers by which proxies tell for whom they ask; `name` is in small letters.
#[must_use]
pub fn is_forwarding(name: &str) -> bool {
    matches!(
        name,
        "forwarded"
            | "via"
            | "client-ip"
            | "true-client-ip"
            | "fastly-client-ip"
            | "fly-client-ip"
            | "x-real-ip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "x-originating-ip"
            | "x-azure-clientip"
            | "x-azure-socketip"
            | "x-envoy-external-address"
            | "cdn-loop"
            | "x-amzn-trace-id"
            | "x-cloud-trace-context"
    ) || ["x-forwarded", "x-original-", "x-vercel-", "cf-"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn is_of_the_wire(name: &str) -> bool {
    matches!(
        name,
        "content-length" | "content-encoding" | "accept-encoding" | "expect"
    )
}

fn is_for_the_gateway(name: &str) -> bool {
    matches!(
        name,
        "x-request-id"
            | "x-claude-code-session-id"
            | "x-claude-code-agent-id"
            | "x-claude-code-parent-agent-id"
    ) || name.starts_with("x-gateway-")
}
