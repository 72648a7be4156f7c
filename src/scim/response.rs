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
    pub body: Option<Body>,
    /// Absolute URL for the `Location` header.
    pub location: Option<String>,
    /// For the `ETag` header.
    pub version: Option<String>,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Yet to be written.
    Tree(Value),
    /// JSON as it goes out.
    Text(Vec<u8>),
}

impl Body {
    /// As a tree.
    pub fn into_tree(self) -> Value {
        match self {
            Self::Tree(tree) => tree,
            Self::Text(text) => serde_json::from_slice(&text).unwrap_or_default(),
        }
    }

    /// The tree of what was not written yet.
    pub fn tree(&self) -> Option<&Value> {
        match self {
            Self::Tree(tree) => Some(tree),
            Self::Text(_) => None,
        }
    }
}

impl From<Value> for Body {
    fn from(tree: Value) -> Self {
        Self::Tree(tree)
    }
}

impl Response {
    /// 200 with a body.
    pub fn ok(body: impl Into<Body>) -> Self {
        Self {
            status: 200,
            body: Some(body.into()),
            location: None,
            version: None,
        }
    }

    /// 201 with the resource and its URL (RFC 7644 §3.3).
    pub fn created(body: Value, location: String) -> Self {
        Self {
            status: 201,
            body: Some(body.into()),
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

/// Resources of a list, written one after the other.
#[derive(Debug, Default)]
pub struct Page {
    text: Vec<u8>,
    /// How many there are.
    pub count: usize,
}

impl Page {
    /// Adds what `write` writes: one resource. What fails has written nothing.
    pub fn add<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<T>) -> Option<T> {
        let end = self.text.len();
        if self.count > 0 {
            self.text.push(b',');
        }
        let written = write(&mut self.text);
        match written {
            Some(_) => self.count += 1,
            None => self.text.truncate(end),
        }
        written
    }

    /// Adds resources.
    pub fn extend(&mut self, resources: impl IntoIterator<Item = Object>) {
        for resource in resources {
            self.add(|text| serde_json::to_writer(text, &resource).ok());
        }
    }

    fn after(self, head: &Value) -> Body {
        let mut text = serde_json::to_vec(head).unwrap_or_default();
        text.pop();
        text.reserve_exact(self.text.len() + 16);
        text.extend_from_slice(b",\"Resources\":[");
        text.extend_from_slice(&self.text);
        text.extend_from_slice(b"]}");
        Body::Text(text)
    }
}

/// One page of a list (RFC 7644 §3.4.2): `total` counts all matches, `start_index` is that of
/// the request, 1-based.
pub fn list_response(total: usize, start_index: u32, page: Page) -> Body {
    let head = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": page.count,
    });
    page.after(&head)
}

/// One page of a list by cursor (RFC 9865 §2): `next` leads to the page behind, if there is one.
pub fn cursor_response(total: usize, next: Option<String>, page: Page) -> Body {
    let mut head = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "itemsPerPage": page.count,
    });
    if let Some(next) = next {
        head["nextCursor"] = next.into();
    }
    page.after(&head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor() {
        // R119
        let body = cursor_response(3, None, Page::default()).into_tree();
        assert_eq!(body.get("nextCursor"), None);
        assert_eq!(body.get("startIndex"), None);
        let body = cursor_response(3, Some("ab".to_owned()), Page::default()).into_tree();
        assert_eq!(body.get("nextCursor"), Some(&Value::from("ab")));
    }

    #[test]
    fn an_empty_page_is_as_entra_wants_it() {
        // C-01
        let expected = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#;
        let body = list_response(0, 1, Page::default());
        assert_eq!(body, Body::Text(expected.into()));
    }

    #[test]
    fn what_could_not_be_written_leaves_no_trace() {
        let mut page = Page::default();
        let resource = |name: &str| Object::from_iter([("id".to_owned(), name.into())]);
        page.extend([resource("1")]);
        assert_eq!(
            page.add(|text| {
                text.push(b'x');
                None::<()>
            }),
            None
        );
        page.extend([resource("2")]);
        let body = list_response(2, 1, page).into_tree();
        assert_eq!(body["Resources"], json!([{"id": "1"}, {"id": "2"}]));
    }
}
