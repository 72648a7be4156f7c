//! Which calls change nothing at the vendor, so that a dry run may really send them.

use serde_json::Value;

use super::Adapter;
use super::manifest::ReadingPost;
use crate::script::call::{VendorCall, Verb};
use crate::script::host::{FORM, is_query};

/// Where GraphQL is spoken unless the manifest says otherwise.
const GRAPHQL: &str = "/graphql";

impl Adapter {
    /// Whether a call only reads: GET, a GraphQL query, or a POST that the manifest lists under
    /// `reads`. Whatever is not certain to read does not.
    pub fn only_reads(&self, call: &VendorCall) -> bool {
        match call.method {
            Verb::Get => true,
            Verb::Post => {
                let listed = self.manifest.reads.iter().any(|read| read.fits(call));
                listed || (call.path == self.graphql_path() && asks_graphql(call))
            }
            Verb::Put | Verb::Patch | Verb::Delete => false,
        }
    }

    /// Whether a word of a call's path is the adapter's own, and no person's value.
    pub(crate) fn writes(&self, word: &str) -> bool {
        self.script.writes(word) || self.graphql_path().split('/').any(|part| part == word)
    }

    fn graphql_path(&self) -> &str {
        self.manifest.graphql.as_deref().unwrap_or(GRAPHQL)
    }
}

impl ReadingPost {
    fn fits(&self, call: &VendorCall) -> bool {
        let path = call.path.split('?').next().unwrap_or_default();
        let has =
            |(name, value): (&String, &String)| body_field(call, name).as_ref() == Some(value);
        path == self.path && self.with.iter().all(has)
    }
}

fn body_field(call: &VendorCall, name: &str) -> Option<String> {
    let body = call.body.as_ref()?;
    if body.media_type == FORM {
        let mut fields = url::form_urlencoded::parse(&body.bytes);
        let value = fields.find_map(|(found, value)| (found == name).then_some(value))?;
        return Some(value.into_owned());
    }
    let body: Value = serde_json::from_slice(&body.bytes).ok()?;
    Some(body.get(name)?.as_str()?.to_owned())
}

fn asks_graphql(call: &VendorCall) -> bool {
    body_field(call, "query").is_some_and(|document| is_query(&document))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::script::call::CallBody;

    fn form(text: &'static str) -> VendorCall {
        VendorCall {
            method: Verb::Post,
            path: "/api/".into(),
            body: Some(CallBody {
                media_type: FORM,
                bytes: Bytes::from_static(text.as_bytes()),
            }),
            idempotent: true,
            token: None,
            resource: None,
        }
    }

    #[test]
    fn only_a_post_that_says_what_the_manifest_asks_for_reads() {
        let read: ReadingPost =
            toml::from_str("path = \"/api/\"\nwith = { action = \"get\" }").unwrap();
        assert!(read.fits(&form("action=get&xpath=%2Fa")));
        assert!(!read.fits(&form("action=set&xpath=%2Fa")));
        assert!(!read.fits(&form("xpath=action%3Dget")));
        let elsewhere = VendorCall {
            path: "/api/other".into(),
            ..form("action=get")
        };
        assert!(!read.fits(&elsewhere));
    }
}
