#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::{Unwritable, read, write};

fn lists() -> Vec<String> {
    ["attr", "entry"].map(str::to_owned).to_vec()
}

#[track_caller]
fn check(document: &str, expect: Value) {
    assert_eq!(read(document.as_bytes(), &lists()), Some(expect));
}

#[track_caller]
fn refused(document: &str) {
    assert_eq!(read(document.as_bytes(), &lists()), None, "{document:.100}");
}

#[test]
fn a_document_is_a_tree_whose_shape_does_not_depend_on_its_content() {
    check(
        r#"<r s="ok" code="7"><result/></r>"#,
        json!({"r": {"@s": "ok", "@code": "7", "result": {}}}),
    );
    check(
        "<r><entry name='a'/></r>",
        json!({"r": {"entry": [{"@name": "a"}]}}),
    );
    check(
        "<?xml version=\"1.0\"?>\n<r>\n  <entry><attr n=\"a\">1</attr><attr n=\"b\"> 2 </attr></entry>\n  <entry/>\n</r>\n",
        json!({"r": {"entry": [{"attr": [{"@n": "a", "#text": "1"}, {"@n": "b", "#text": " 2 "}]}, {}]}}),
    );
    check(
        "<r>Lovelace &amp; Co &#228;&#xE4;<![CDATA[<&>]]></r>",
        json!({"r": {"#text": "Lovelace & Co ää<&>"}}),
    );
    check(
        "<r a='&quot;&#10;'>a<!-- b -->c</r>",
        json!({"r": {"@a": "\"\n", "#text": "ac"}}),
    );
    check("<r> </r>", json!({"r": {"#text": " "}}));
}

#[test]
fn what_is_no_whole_document_is_refused() {
    for document in [
        "",
        " ",
        "<r>",
        "<r></s>",
        "<r/><r/>",
        "text",
        "<r/>text",
        "<html><p>a<p>b</html>",
        "<r a='1' a='2'/>",
        "<r>&#0;</r>",
        "<@r/>",
        "<r><#text/></r>",
        "{}",
    ] {
        refused(document);
    }
    assert_eq!(read(b"<r>\xff</r>", &[]), None);
    refused("<r><line>1</line><line>2</line></r>");
}

#[test]
fn dtds_entities_and_instructions_are_refused() {
    refused("<!DOCTYPE r><r/>");
    refused("<!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>");
    refused("<!DOCTYPE r SYSTEM \"http://example.com/r.dtd\"><r/>");
    refused("<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><r>&a;</r>");
    refused("<r>&nbsp;</r>");
    refused("<r a='&b;'/>");
    refused("<?xml-stylesheet href='a'?><r/>");
    let mut bomb = String::from("<!DOCTYPE r [<!ENTITY a0 \"ha\">");
    for level in 1..30 {
        bomb.push_str(&format!("<!ENTITY a{level} \"&a{0};&a{0};\">", level - 1));
    }
    refused(&(bomb + "]><r>&a29;</r>"));
}

#[test]
fn depth_and_number_of_elements_are_bounded() {
    let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    assert!(read(deep(64).as_bytes(), &[]).is_some());
    refused(&deep(65));
    refused(&format!("<r>{}</r>", "<attr/>".repeat(200_000)));
}

#[test]
fn what_is_written_is_read_again() {
    let nasty = "O'Brien & \"Söhne\" <b>]]>\r\n\t\u{1f600}";
    let tree =
        json!({"entry": [{"@name": nasty, "attr": [{"@n": "a b", "#text": nasty}, {"@n": "c"}]}]});
    let text = write(&tree).unwrap();
    assert_eq!(read(text.as_bytes(), &lists()), Some(tree));
    assert_eq!(
        write(&json!({"member": ["a", "b"], "none": null, "n": 5})).unwrap(),
        "<member>a</member><member>b</member><n>5</n>"
    );
}

#[test]
fn what_xml_cannot_hold_is_not_written() {
    let unwritable = |named: &str| Err(Unwritable::Character(named.to_owned()));
    assert_eq!(write(&json!({"a": "\u{0}"})), unwritable("a"));
    assert_eq!(write(&json!({"a": {"@b": "\u{1b}"}})), unwritable("b"));
    let pair = json!({"attr": {"@n": "Title", "#text": "\u{7}"}});
    assert_eq!(write(&pair), unwritable("Title"));
    for tree in [
        json!("a"),
        json!({"a b": 1}),
        json!({"<a>": 1}),
        json!({"a": {"@b c": 1}}),
        json!({"a": [[1]]}),
        json!({"1a": 1}),
    ] {
        assert!(matches!(write(&tree), Err(Unwritable::Shape(_))), "{tree}");
    }
}
