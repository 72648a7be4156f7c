//! What an answer means for sending and breaking; the adapter reads the rest.

use crate::script::call::{Errand, VendorReply};
use crate::script::replies::{Answered, Meaning, ReplyTable};

/// A longer body says nothing of that: no vendor's error is so long, and whoever waits for another answer
/// must not wait until it is read.
const LONG: usize = 256 << 10;

/// The meaning of `reply` to a call for `errand`, and the wait it asks for in its body, put where a
/// `Retry-After` header would be. The body is parsed only where the table could
/// turn on it, so that the usual 200 is parsed once, by the adapter.
pub(super) fn means(table: &ReplyTable, errand: Errand, reply: &mut VendorReply) -> Meaning {
    let turns_on_body = reply.body.len() <= LONG && table.turns_on_body(reply.status, &reply.body);
    let body = turns_on_body.then(|| table.parse(&reply.body)).flatten();
    let verdict = table.judge(&Answered::of(reply, errand, body.as_ref()));
    let (means, wait) = (verdict.means, verdict.retry_after);
    reply.retry_after = reply.retry_after.or(wait);
    means
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[track_caller]
    fn check(status: u16, body: &'static str, expect: Meaning) {
        let table = toml::from_str(
            r#"
            code = "/error"
            errors = [
                { status = 409, code = "LOCKED", means = "busy" },
                { code = "LIMIT", means = "busy" },
                { status = 503, means = "busy" },
            ]
            "#,
        );
        let mut reply = VendorReply {
            status,
            retry_after: None,
            headers: Default::default(),
            body: Bytes::from_static(body.as_bytes()),
            after_loss: false,
        };
        assert_eq!(
            means(&table.unwrap(), Errand::default(), &mut reply),
            expect,
            "{status} {body}"
        );
    }

    #[test]
    fn the_table_decides_with_the_body_and_without() {
        check(409, r#"{"error":"LOCKED"}"#, Meaning::Busy);
        check(409, r#"{"error":"TAKEN"}"#, Meaning::Conflict);
        check(200, r#"{"error":"LIMIT"}"#, Meaning::Busy);
        check(200, r#"{"id":1}"#, Meaning::Ok);
        check(503, "<html>", Meaning::Busy);
        check(502, "<html>", Meaning::Fault);
        check(401, "", Meaning::Credential);
        check(404, r#"{"error":"GONE"}"#, Meaning::Absent);
        check(200, r#"{"error":"LIMIT"}"#, Meaning::Busy);
        check(200, r#"{"\u0065rror":"LIMIT"}"#, Meaning::Busy);
        check(200, r#"{"name":"error"}"#, Meaning::Ok);
        check(404, "<html>", Meaning::Fault);
        let long = format!(r#"{{"error":"LIMIT","rows":"{}"}}"#, "x".repeat(LONG));
        check(200, long.leak(), Meaning::Ok);
    }
}
