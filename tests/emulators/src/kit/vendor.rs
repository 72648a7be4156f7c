//! The seam between the kit and one vendor's state machine.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Method;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// A copy of a vendor whose type is not known.
pub trait Copied {
    /// With everything it holds.
    fn copied(&self) -> Box<dyn Vendor>;
}

impl<V: Vendor + Clone> Copied for V {
    fn copied(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }
}

/// One vendor's API as a state machine. Synchronous and in memory: the kit does all waiting.
pub trait Vendor: Copied + Send + 'static {
    /// What stands before every path of the contract: `/provisioning/v1`, without a final slash.
    fn base_path(&self) -> &'static str {
        ""
    }

    /// Headers the journal shows as `***`, in lower case. `authorization` and `cookie` always are.
    fn secret_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// The customer whose credential the call carries, as the journal and [`super::Match`] name
    /// it; `None` for a credential nobody has.
    fn client(&self, call: &Call) -> Option<String>;

    /// `METHOD /path/{template}`, the key of the counters. Bounded: an unknown path has one name too.
    fn route(&self, call: &Call) -> &'static str;

    /// Whether the call means to change something.
    fn is_write(&self, call: &Call) -> bool {
        call.method != Method::GET
    }

    /// What two calls must not work on at once. The second gets [`Vendor::busy`].
    fn works_on(&self, _: &Call) -> Option<String> {
        None
    }

    /// The answer to a call that came while another one worked on the same thing.
    fn busy(&self) -> Answer {
        Answer::empty(503)
    }

    /// Does the call's work and says what the vendor would say. `now` is the emulator's clock.
    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer;

    /// The same answer with somebody else's row in place of the right one.
    fn wrong_user(&self, call: &Call, answer: Answer) -> Answer;

    /// Everything stored, sorted, without credentials.
    fn state(&self) -> Value;

    /// Adds rows past the rules of the front door. The shape is the vendor's, and that of
    /// [`Vendor::state`]. A vendor that refuses some is thrown away.
    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused>;

    /// Replaces the limits; what `limits` does not name is the default again.
    fn set_limits(&mut self, limits: Value) -> Result<(), Refused>;
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The path below the base path, still percent-encoded: `/users/18001`. Outside the base path: as sent.
    pub path: String,
    /// The query, still percent-encoded; empty when there is none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body, at most 1 MiB.
    pub body: Bytes,
}

impl Call {
    /// Path and query as the caller wrote them.
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// A header's text; `None` when absent or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path's segments, percent-decoded. `/a/b%2Fc` is `["a", "b/c"]`.
    pub fn segments(&self) -> Vec<String> {
        let decode = |s| {
            percent_encoding::percent_decode_str(s)
                .decode_utf8_lossy()
                .into_owned()
        };
        self.path
            .split('/')
            .filter(|s| !s.is_empty())
            .map(decode)
            .collect()
    }

    /// The first of the query's pairs with this name, decoded.
    pub fn parameter(&self, wanted: &str) -> Option<String> {
        let mut found = self.parameters().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value)
    }

    /// The query's pairs, decoded, in the order sent.
    pub fn parameters(&self) -> impl Iterator<Item = (String, String)> + '_ {
        url::form_urlencoded::parse(self.query.as_bytes()).into_owned()
    }
}

/// What the vendor says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside `content-type` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// The `content-type`; none is sent for an empty body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
    /// Whether this refuses a second account or group of the same name ([`super::Counters::duplicates`]).
    pub duplicate: bool,
}

impl Answer {
    /// A JSON answer. A value that cannot be written as JSON gives an empty body.
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::text(status, "application/json", body)
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::text(status, "application/json", Bytes::new())
    }

    /// An answer of any type.
    pub fn text(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type,
            body: body.into(),
            duplicate: false,
        }
    }

    /// With each row changed: those of this list, or else the body as a whole. What is no JSON
    /// stays.
    #[must_use]
    pub fn each_row(mut self, list: &str, mut change: impl FnMut(&mut Value)) -> Self {
        if let Ok(mut body) = serde_json::from_slice::<Value>(&self.body) {
            match body.get_mut(list).and_then(Value::as_array_mut) {
                Some(rows) => rows.iter_mut().for_each(change),
                None => change(&mut body),
            }
            self.body = body.to_string().into();
        }
        self
    }

    /// With one text in the body in place of another.
    #[must_use]
    pub fn replaced(mut self, from: &str, to: &str) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        self.body = text.replace(from, to).into();
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// Why seed rows, limits or a control message were not taken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
