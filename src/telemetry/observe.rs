//! What the edge, the vendor's side and finished stories tell, as metrics and traces.

use std::time::Duration;

use hyper::HeaderMap;
use opentelemetry::KeyValue;
use tracing::Span;

use super::context;
use super::instruments::{Instruments, word};
use crate::server::{RequestObserver, Seen};
use crate::vendor::{CallObserver, Try};

impl RequestObserver for Instruments {
    fn began(&self, request: &Seen, span: &Span, headers: &HeaderMap) -> Option<String> {
        self.active_requests.add(1, &active(request));
        context::take_up(span, headers)
    }

    fn ended(&self, request: &Seen, status: Option<u16>, elapsed: Duration) {
        self.active_requests.add(-1, &active(request));
        let method = word("http.request.method", request.method);
        let route = word("http.route", request.route);
        let scheme = word("url.scheme", request.scheme);
        let seconds = elapsed.as_secs_f64();
        match status {
            None => {
                let error = word("error.type", "hung_up");
                self.request_duration
                    .record(seconds, &[error, method, route, scheme]);
            }
            Some(status) => {
                let code = KeyValue::new("http.response.status_code", i64::from(status));
                if status < 500 {
                    self.request_duration
                        .record(seconds, &[method, code, route, scheme]);
                } else {
                    let error = KeyValue::new("error.type", status.to_string());
                    self.request_duration
                        .record(seconds, &[error, method, code, route, scheme]);
                }
            }
        }
    }
}

fn active(request: &Seen) -> [KeyValue; 2] {
    [
        word("http.request.method", request.method),
        word("url.scheme", request.scheme),
    ]
}

impl CallObserver for Instruments {
    fn sending(&self, span: &Span, headers: &mut HeaderMap) {
        context::hand_on(span, headers);
    }

    fn tried(&self, tried: &Try<'_>) {
        let method = word("http.request.method", super::method_name(tried.method));
        let host = self.host(tried.host);
        let port = KeyValue::new("server.port", i64::from(tried.port));
        let seconds = tried.elapsed.as_secs_f64();
        let code = |status: u16| KeyValue::new("http.response.status_code", i64::from(status));
        match tried.result {
            Ok(status) if status < 400 => self
                .call_duration
                .record(seconds, &[method, code(status), host, port]),
            Ok(status) => {
                let error = KeyValue::new("error.type", status.to_string());
                self.call_duration
                    .record(seconds, &[error, method, code(status), host, port]);
            }
            Err(fault) => self
                .call_duration
                .record(seconds, &[word("error.type", fault), method, host, port]),
        }
    }
}
