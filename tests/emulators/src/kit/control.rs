//! The control port, under `/__ctl`: what a test or an operator can do to an emulator from outside.
//!
//! | endpoint | body or query |
//! |---|---|
//! | `GET state` | everything stored, sorted |
//! | `GET journal` | every call; `?bodies=1` shows the bodies of the latest 10,000 |
//! | `GET counters` | [`super::Counters`] |
//! | `POST faults` | a list of [`super::Fault`]s, in place of those before |
//! | `POST limits` | the vendor's limits; what is not named is the default again |
//! | `POST clock` | `{"advance_ms": 0, "advance_days": 0, "stop": false}`, all optional |
//! | `POST latency` | `{"ms": 20}` for every call |
//! | `POST seed` | rows, in the shape of `state` |
//! | `POST reset` | back to how it was started |
//!
//! A POST answers 204, or 400 `{"error": "…"}` and has changed nothing.

use super::body::{AnswerBody, Broken};
use super::fault::FaultTable;
use super::serve::{response, whole};
use super::shared::{Desk, Shared};
use super::vendor::{Answer, Refused};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A seed of 100,000 users fits.
const BODY: usize = 256 << 20;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Move {
    advance_ms: u64,
    advance_days: u64,
    stop: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

/// One message on the control port.
pub(super) async fn control(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Broken> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY)
        .collect()
        .await
        .map_err(|_| Broken)?
        .to_bytes();
    let bodies = parts
        .uri
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "bodies=1"));
    let name = parts.uri.path().strip_prefix("/__ctl/").unwrap_or_default();
    let answer = match parts.method {
        Method::GET => show(&shared.desk(), name, bodies),
        Method::POST => change(&mut shared.desk(), name, &body),
        _ => Answer::json(405, &json!({"error": "GET or POST"})),
    };
    let (answer, body) = whole(answer);
    response(answer, body)
}

fn show(desk: &Desk, name: &str, bodies: bool) -> Answer {
    match name {
        "state" => Answer::json(200, &desk.vendor.state()),
        "journal" => Answer::json(200, &desk.entries(bodies)),
        "counters" => Answer::json(200, &desk.counters),
        _ => Answer::json(404, &json!({"error": "GET state, journal or counters"})),
    }
}

fn change(desk: &mut Desk, name: &str, body: &[u8]) -> Answer {
    let done = match name {
        "faults" => set_faults(desk, body),
        "limits" => read(body).and_then(|limits| desk.vendor.set_limits(limits)),
        "clock" => move_clock(desk, body),
        "latency" => read(body).map(|Latency { ms }| desk.latency = Duration::from_millis(ms)),
        "seed" => read(body).and_then(|rows| desk.seed(rows)),
        "reset" => {
            desk.reset();
            Ok(())
        }
        _ => {
            return Answer::json(
                404,
                &json!({"error": "POST faults, limits, clock, latency, seed or reset"}),
            );
        }
    };
    match done {
        Ok(()) => Answer::empty(204),
        Err(refused) => Answer::json(400, &json!({"error": refused.to_string()})),
    }
}

fn set_faults(desk: &mut Desk, body: &[u8]) -> Result<(), Refused> {
    desk.faults = FaultTable::new(read(body)?);
    Ok(())
}

fn move_clock(desk: &mut Desk, body: &[u8]) -> Result<(), Refused> {
    let Move {
        advance_ms,
        advance_days,
        stop,
    } = read(body)?;
    if stop {
        desk.clock.stop();
    }
    desk.clock.advance(Duration::from_millis(advance_ms));
    desk.clock
        .advance(Duration::from_secs(advance_days.saturating_mul(86_400)));
    Ok(())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    Ok(serde_json::from_slice(body)?)
}
