use actix_web::dev::RequestHead;
use actix_web::http::header::{AUTHORIZATION, EXPECT, HeaderName, UPGRADE};
use actix_web::http::{Uri, Version};

use crate::error::{Code, Problem};

/// Bytes of a head, at the most; the server itself would take four times as many.
const MAX_BYTES: usize = 32 << 10;

/// Refuses a head that is too large, asks for another protocol than the one spoken here, or has two credentials in the
/// place of one.
///
/// What can be read in two ways, such as two lengths, the server has refused by now, and more than 96 headers.
pub(crate) fn check(head: &RequestHead) -> Result<(), Problem> {
    if bytes(head) > MAX_BYTES {
        return Err(Problem::new(
            Code::HeadTooLarge,
            format!("the request's head is larger than {MAX_BYTES} bytes"),
        ));
    }
    // An offer of HTTP/2, which some clients make with every request, may be ignored.
    if items(head, UPGRADE).any(|protocol| !protocol.eq_ignore_ascii_case(b"h2c")) {
        return Err(Problem::new(
            Code::MalformedRequest,
            "no other protocol is spoken here than HTTP/1.1",
        ));
    }
    let asks_too_much = head.version > Version::HTTP_10
        && items(head, EXPECT).any(|what| !what.eq_ignore_ascii_case(b"100-continue"));
    if asks_too_much {
        return Err(Problem::new(
            Code::ExpectationFailed,
            "nothing can be expected here but 100-continue",
        ));
    }
    if head.headers.get_all(AUTHORIZATION).count() > 1 {
        return Err(Problem::new(
            Code::MalformedRequest,
            "the request has two Authorization headers",
        ));
    }
    Ok(())
}

fn bytes(head: &RequestHead) -> usize {
    const BETWEEN_NAME_AND_VALUE: usize = ": \r\n".len();
    let headers: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + BETWEEN_NAME_AND_VALUE)
        .sum();
    headers + target(&head.uri)
}

fn target(uri: &Uri) -> usize {
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    path + authority
}

/// What stands between the commas of a header, in all its lines.
fn items(head: &RequestHead, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    head.headers
        .get_all(name)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use actix_web::http::Version;
    use actix_web::test::TestRequest;

    use super::{MAX_BYTES, check};
    use crate::error::Code;

    fn refusal(request: TestRequest) -> Option<Code> {
        check(request.to_http_request().head())
            .err()
            .map(|problem| problem.code)
    }

    #[test]
    fn heads_are_counted_with_all_that_is_in_them() {
        let with = |value: usize| TestRequest::with_uri("/").insert_header(("x-a", "x".repeat(value)));
        // The target is one byte, and the name with what is around it seven.
        assert_eq!(refusal(with(MAX_BYTES - 8)), None);
        assert_eq!(refusal(with(MAX_BYTES - 7)), Some(Code::HeadTooLarge));
        let target = format!("/?{}", "x".repeat(MAX_BYTES));
        assert_eq!(refusal(TestRequest::with_uri(&target)), Some(Code::HeadTooLarge));
    }

    #[test]
    fn other_protocols_are_refused_and_an_offer_of_http_2_is_ignored() {
        for (upgrade, expected) in [
            ("h2c", None),
            ("H2C", None),
            ("websocket", Some(Code::MalformedRequest)),
            ("h2c, websocket", Some(Code::MalformedRequest)),
            ("TLS/1.0", Some(Code::MalformedRequest)),
            ("", Some(Code::MalformedRequest)),
        ] {
            let request = TestRequest::default().insert_header(("upgrade", upgrade));
            assert_eq!(refusal(request), expected, "{upgrade:?}");
        }
    }

    #[test]
    fn two_authorization_headers_are_refused() {
        let one = TestRequest::default().insert_header(("authorization", "Bearer a"));
        assert_eq!(refusal(one), None);
        let two = TestRequest::default()
            .append_header(("authorization", "Bearer a"))
            .append_header(("authorization", "Bearer a"));
        assert_eq!(refusal(two), Some(Code::MalformedRequest));
    }

    #[test]
    fn nothing_can_be_expected_but_to_go_on() {
        for (expect, expected) in [
            ("100-continue", None),
            ("100-Continue", None),
            ("200-ok", Some(Code::ExpectationFailed)),
            ("100-continue, 200-ok", Some(Code::ExpectationFailed)),
            ("", Some(Code::ExpectationFailed)),
        ] {
            let request = TestRequest::default().insert_header(("expect", expect));
            assert_eq!(refusal(request), expected, "{expect:?}");
        }
        let request = TestRequest::default()
            .version(Version::HTTP_10)
            .insert_header(("expect", "200-ok"));
        assert_eq!(refusal(request), None);
    }
}
