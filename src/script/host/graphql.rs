//! GraphQL: one endpoint, and errors inside 200.
//!
//! Values go as variables and are never part of the document, so that nothing
//! a stranger sends can become GraphQL.

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::calls::{self, Request, Thrown};
use super::context::ScriptContext;
use super::document::Docs;
use super::fault::Fault;
use super::json;
use crate::script::call::{Errand, VendorReply, Verb};

/// Where GraphQL is usually spoken.
const USUAL: &str = "/graphql";

/// Registers the calls.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.call(
        "graphql(query, variables)",
        "Posts a GraphQL operation to the manifest's `graphql` path and returns the reply's `data`. If the reply has `errors`, it throws a fault, with the whole reply in `fault.body`. If a reply is lost, a query is sent again, and a mutation is not.",
        &[(r#"graphql("query User($id: ID!) { user(id: $id) { login } }", #{ id: "17" })"#, r#"POST /graphql {"operationName":"User","query":"query User($id: ID!) { user(id: $id) { login } }","variables":{"id":"17"}}"#)],
    );
    engine.register_fn(
        "graphql",
        |context: NativeCallContext<'_>, query: ImmutableString, variables: Map| {
            Operation::new(None, query, variables).send(&context)
        },
    );
    docs.call(
        "graphql(query)",
        "The same without variables.",
        &[(
            r#"graphql("{ me { login } }")"#,
            r#"POST /graphql {"query":"{ me { login } }","variables":{}}"#,
        )],
    );
    engine.register_fn(
        "graphql",
        |context: NativeCallContext<'_>, query: ImmutableString| {
            Operation::new(None, query, Map::new()).send(&context)
        },
    );
    docs.call(
        "graphql(path, query, variables)",
        "The same, posted to another path.",
        &[(
            r#"graphql("/v2", "{ me { login } }", #{})"#,
            r#"POST /v2 {"query":"{ me { login } }","variables":{}}"#,
        )],
    );
    engine.register_fn(
        "graphql",
        |context: NativeCallContext<'_>,
         path: ImmutableString,
         query: ImmutableString,
         variables: Map| { Operation::new(Some(path), query, variables).send(&context) },
    );
    docs.call(
        "graphql_again(query, variables)",
        "For a mutation that may be repeated safely, as the vendor documents: if the reply is lost, the gateway sends it again.",
        &[(
            r#"graphql_again("mutation { hello }", #{})"#,
            r#"POST /graphql {"query":"mutation { hello }","variables":{}}"#,
        )],
    );
    engine.register_fn(
        "graphql_again",
        |context: NativeCallContext<'_>, query: ImmutableString, variables: Map| {
            Operation {
                idempotent: true,
                ..Operation::new(None, query, variables)
            }
            .send(&context)
        },
    );
}

/// A document with what belongs to it.
struct Operation {
    path: Option<ImmutableString>,
    query: ImmutableString,
    variables: Map,
    idempotent: bool,
}

impl Operation {
    fn new(path: Option<ImmutableString>, query: ImmutableString, variables: Map) -> Self {
        Self {
            path,
            idempotent: head(&query).reads,
            query,
            variables,
        }
    }

    fn send(self, context: &NativeCallContext<'_>) -> Result<Dynamic, Thrown> {
        let script = ScriptContext::of(context)?;
        let usual = || script.environment().graphql().unwrap_or(USUAL);
        let path = self.path.as_deref().unwrap_or_else(usual);
        let request = Request {
            idempotent: self.idempotent,
            ..Request::new(Verb::Post, path)
        };
        request.json(&self.body(), context)?.ask(context, read)
    }

    /// The name tells the vendor's log what it was, and is what a reader of a
    /// transcript looks for.
    fn body(&self) -> Dynamic {
        let mut body = Map::from([
            ("query".into(), self.query.clone().into()),
            ("variables".into(), self.variables.clone().into()),
        ]);
        if let Some(name) = head(&self.query).name {
            body.insert("operationName".into(), name.into());
        }
        body.into()
    }
}

/// `data`, if there is nothing but it.
fn read(
    script: &ScriptContext,
    errand: Errand,
    reply: &VendorReply,
    repeatable: bool,
) -> Result<Dynamic, Fault> {
    let whole = calls::read(script, errand, reply, repeatable)?;
    let failed = |what: &str| {
        let body = json::parse(&reply.body).unwrap_or_default();
        let what = format!("the vendor answered {} with {what}", reply.status);
        calls::failed(reply, body, repeatable).saying(what)
    };
    let whole = whole.try_cast::<Map>();
    let mut whole = whole.ok_or_else(|| failed("what is no GraphQL answer: no object"))?;
    match whole.remove("errors") {
        Some(errors) if !errors.is_unit() => Err(failed("GraphQL errors")),
        _ => (whole.remove("data"))
            .ok_or_else(|| failed("what is no GraphQL answer: it has no `data`")),
    }
}

/// Whether a document is a query, which changes nothing.
pub(crate) fn is_query(document: &str) -> bool {
    head(document).reads
}

/// How a document begins (GraphQL October 2021 §2.3).
#[derive(Debug, PartialEq)]
struct Head<'d> {
    /// A query: it changes nothing.
    reads: bool,
    name: Option<&'d str>,
}

fn head(document: &str) -> Head<'_> {
    let mut words = document
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split_inclusive(|c: char| !is_name(c)))
        .filter(|word| !word.trim_matches([' ', '\t', ',']).is_empty());
    let kind = words.next().unwrap_or_default();
    if kind.starts_with('{') {
        return Head {
            reads: true,
            name: None,
        };
    }
    // A name stands at once behind the keyword, or there is none.
    let ended = kind.ends_with(['{', '(', '@']);
    let name = words.next().filter(|_| !ended);
    let name = name.map(|name| name.trim_end_matches(|c| !is_name(c)));
    Head {
        reads: kind.trim_end_matches(|c| !is_name(c)) == "query",
        name: name.filter(|name| !name.is_empty()),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, reads: bool, name: Option<&str>) {
        assert_eq!(head(document), Head { reads, name }, "{document}");
    }

    #[test]
    fn a_document_tells_whether_it_changes_anything_and_its_name() {
        check(
            "query FindUser($l:String!){ users }",
            true,
            Some("FindUser"),
        );
        check("query FindUser { users }", true, Some("FindUser"));
        check(
            "\n  # who\n  query\n  FindUser { users }",
            true,
            Some("FindUser"),
        );
        check("query($l:String!){ users }", true, None);
        check("query { users }", true, None);
        check("{ users }", true, None);
        check(
            "mutation CreateUser($i:I!){ createUser }",
            false,
            Some("CreateUser"),
        );
        check("mutation{ createUser }", false, None);
        check("mutation ($i:I!){ createUser }", false, None);
        check("subscription S { x }", false, Some("S"));
        check("", false, None);
    }
}
