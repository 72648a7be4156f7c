//! What is answered, before it becomes HTTP.

use serde_json::{Value, json};

use super::Object;

/// The message schema of a list.
pub const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A successful answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status: 200, 201, 204 or 304.
    pub status: u16,
    /// `None` with 204 and 304.
    pub body: Option<Value>,
    /// Absolute URL for the `Location` header.
    pub location: Option<String>,
    /// For the `ETag` header.
    pub version: Option<String>,
}

impl Response {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Some(body),
            location: None,
            version: None,
        }
    }

    /// 201 with the resource and its URL (RFC 7644 §3.3).
    pub fn created(body: Value, location: String) -> Self {
        Self {
            status: 201,
            body: Some(body),
            location: Some(location),
            version: None,
        }
    }

    /// 304: the resource is of the version the client has (RFC 7644 §3.14).
    pub fn not_modified(version: String) -> Self {
        Self {
            status: 304,
            version: Some(version),
            ..Self::no_content()
        }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self {
            status: 204,
            body: None,
            location: None,
            version: None,
        }
    }
}

/// One page of a list (RFC 7644 §3.4.2): `total` counts all matches, `start_index` is that of
/// the request, 1-based.
pub fn list_response(total: usize, start_index: u32, resources: Vec<Object>) -> Value {
    let mut body = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
    });
    // `json!` would copy them all.
    body["Resources"] = resources.into();
    body
}

/// One page of a list by cursor (RFC 9865 §2): `next` leads to the page behind, if there is one.
pub fn cursor_response(total: usize, next: Option<String>, resources: Vec<Object>) -> Value {
    let mut body = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "itemsPerPage": resources.len(),
    });
    if let Some(next) = next {
        body["nextCursor"] = next.into();
    }
    body["Resources"] = resources.into();
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor() {
        // R119
        let body = cursor_response(3, None, Vec::new());
        assert_eq!(body.get("nextCursor"), None);
        assert_eq!(body.get("startIndex"), None);
        let body = cursor_response(3, Some("ab".to_owned()), Vec::new());
        assert_eq!(body.get("nextCursor"), Some(&Value::from("ab")));
    }

    #[test]
    fn an_empty_page_is_as_entra_wants_it() {
        // C-01
        let expected = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#;
        assert_eq!(list_response(0, 1, Vec::new()).to_string(), expected);
    }
}
