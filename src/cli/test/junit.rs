//! Results as JUnit writes them, for build servers: a suite a vendor, a case a transcript.

use quick_xml::escape::escape;

use crate::transcript::Played;

/// The whole document.
pub(super) fn written<'a>(vendors: impl Iterator<Item = (&'a str, &'a [Played])>) -> String {
    let suites = vendors.map(|(name, played)| suite(name, played));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"scimgate\">\n{}</testsuites>\n",
        suites.collect::<String>()
    )
}

fn suite(name: &str, played: &[Played]) -> String {
    let failed = played.iter().filter(|one| !one.passed()).count();
    let cases = played.iter().map(|one| case(name, one));
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">\n{}  </testsuite>\n",
        escape(name),
        played.len(),
        cases.collect::<String>()
    )
}

fn case(vendor: &str, played: &Played) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\"",
        escape(vendor),
        escape(clean(&played.title)),
        escape(clean(&played.file)),
    );
    let Some(first) = played.problems.first() else {
        return format!("{head}/>\n");
    };
    let lines = played.problems.iter().map(|problem| format!("{problem}\n"));
    let all = clean(&lines.collect::<String>());
    format!(
        "{head}>\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
        escape(first.code),
        escape(clean(&first.message)),
        escape(all),
    )
}

/// Without the control characters that no XML can hold.
fn clean(text: &str) -> String {
    let allowed = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    #[test]
    fn a_document_that_any_reader_of_xml_takes() {
        let played = |title: &str, problems| Played {
            file: "a.http".into(),
            text: String::new(),
            transcript: None,
            title: title.into(),
            calls: 0,
            misfits: Vec::new(),
            cause: None,
            printed: Vec::new(),
            problems,
        };
        let problem = Problem::error("transcript::status", "a.http", "200 <\u{7}> 404 & \"x\"");
        let played = [played("Good", Vec::new()), played("<Bad>", vec![problem])];
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="scimgate">
  <testsuite name="v" tests="2" failures="1" errors="0" skipped="0">
    <testcase classname="v" name="Good" file="a.http"/>
    <testcase classname="v" name="&lt;Bad&gt;" file="a.http">
      <failure type="transcript::status" message="200 &lt;&gt; 404 &amp; &quot;x&quot;">a.http: 200 &lt;&gt; 404 &amp; &quot;x&quot;
</failure>
    </testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(written([("v", &played[..])].into_iter()), expected);
    }
}
