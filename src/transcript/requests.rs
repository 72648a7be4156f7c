//! Requests to try: a transcript of which only `### Entra asks` must be written, or the requests
//! of an editor's REST client, one after the other.

use std::collections::BTreeMap;

use super::parse::{answer, ask, at, call, preamble, response, sections};
use super::{Answer, Ask, ExpectedCall, ExpectedResponse, Transcript};
use crate::scim::Profile;

/// What a file asks for.
#[derive(Clone, Debug)]
pub struct Requests {
    /// Its first comment line; may be empty.
    pub title: String,
    pub(crate) profile: Profile,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) priority: BTreeMap<String, i64>,
    pub(crate) tried: Vec<Tried>,
}

/// One request, and what is known of what it leads to.
#[derive(Clone, Debug)]
pub struct Tried {
    pub(crate) asks: Ask,
    /// Answers of the vendor: to the call named, or to whichever comes next.
    pub(crate) answers: Vec<(Option<ExpectedCall>, Answer)>,
    /// Names for values of the response: `{"id": "{{ada}}"}`.
    pub(crate) gets: Option<ExpectedResponse>,
}

impl Requests {
    /// Reads a file. A transcript is such a file too, and so is what an editor's REST client
    /// sends: `METHOD path`, headers, an empty line, a body, and `###` between requests. Of an
    /// absolute URL only what follows `/scim/v2` counts.
    ///
    /// # Errors
    /// A sentence that begins with the line it is about.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let plain = plain(text);
        let lines: Vec<&str> = plain.lines().collect();
        let start = |line: &&str| line.starts_with("### ");
        let head = lines.iter().position(start).unwrap_or(lines.len());
        let preamble = preamble(file, &lines[..head])?;
        let mut sections = sections(&lines, head)?.into_iter().peekable();
        let mut tried = Vec::new();
        while let Some(section) = sections.next() {
            let asks = below_tenant_url(ask(section)?);
            let mut answers = Vec::new();
            while let Some(next) = sections.next_if(|next| next.title.starts_with("Vendor ")) {
                match next.title.as_str() {
                    "Vendor answers" => answers.push((None, answer(next)?)),
                    _ => {
                        let given = sections.next_if(|next| next.title == "Vendor answers");
                        if let Some(given) = given {
                            answers.push((Some(call(next)?), answer(given)?));
                        }
                    }
                }
            }
            let gets = sections.next_if(|next| next.title == "Entra gets");
            tried.push(Tried {
                asks,
                answers,
                gets: gets.map(response).transpose()?,
            });
        }
        if tried.is_empty() {
            return Err(at(1, "there is no request: write it as `METHOD /path`").into());
        }
        Ok(Self::of(preamble, tried))
    }

    fn of(preamble: Transcript, tried: Vec<Tried>) -> Self {
        let Transcript {
            title,
            profile,
            settings,
            priority,
            ..
        } = preamble;
        Self {
            title,
            profile,
            settings,
            priority,
            tried,
        }
    }
}

/// A file of plain requests as a transcript of as many lines: whatever stands behind `###`, and
/// comments before a request, are names for people.
fn plain(text: &str) -> String {
    if text.lines().any(|line| line.trim_end() == "### Entra asks") {
        return text.to_owned();
    }
    let mut out: Vec<&str> = Vec::new();
    let mut asks_at = None;
    for line in text.lines() {
        let begins = asks_at.is_none() && is_request(line);
        if begins {
            // The line before, a separator, a comment or nothing, becomes the heading.
            if out.is_empty() {
                out.push("");
            }
            let at = out.len() - 1;
            out[at] = "### Entra asks";
            asks_at = Some(at);
        }
        if line.starts_with("###") {
            asks_at = None;
            out.push("");
        } else if asks_at.is_none() && line.starts_with("//") {
            out.push("");
        } else {
            out.push(line);
        }
    }
    out.join("\n")
}

fn is_request(line: &str) -> bool {
    let method = line.split(' ').next().unwrap_or_default();
    ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) && line.len() > method.len()
}

/// The request as it stands below the Tenant URL.
fn below_tenant_url(mut asks: Ask) -> Ask {
    let target = asks.target.trim_end_matches("HTTP/1.1").trim();
    let below = target.split_once("/scim/v2").map(|(_, rest)| rest);
    asks.target = below.unwrap_or(target).to_owned();
    asks
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<(String, String)> {
        let requests = Requests::parse("r.http", text).unwrap();
        let asks = requests.tried.into_iter().map(|tried| tried.asks);
        asks.map(|ask| (ask.method, ask.target)).collect()
    }

    fn pair(method: &str, target: &str) -> (String, String) {
        (method.to_owned(), target.to_owned())
    }

    #[test]
    fn a_transcript_without_answers_is_read() {
        let text = "# Title\n@setting a = b\n\n### Entra asks\nGET /Users/1\n\n### Vendor answers\n404\n\n### Entra asks\nDELETE /Users/1\n";
        let requests = Requests::parse("r.http", text).unwrap();
        assert_eq!(requests.title, "Title");
        assert_eq!(requests.tried[0].answers.len(), 1);
        assert_eq!(
            asked(text),
            [pair("GET", "/Users/1"), pair("DELETE", "/Users/1")]
        );
    }

    #[test]
    fn requests_of_an_editor_are_read() {
        let text = "### Make Ada\nPOST https://gateway.example/scim/v2/Users HTTP/1.1\nContent-Type: application/json\n\n{\"userName\": \"ada\"}\n\n### Look\n# again\nGET /Users?filter=a\n";
        assert_eq!(
            asked(text),
            [pair("POST", "/Users"), pair("GET", "/Users?filter=a")]
        );
        assert_eq!(asked("GET /Users/1"), [pair("GET", "/Users/1")]);
        assert_eq!(asked("GET /Users/1\n\n###\n\nGET /Users/2\n").len(), 2);
    }

    #[test]
    fn what_is_no_request_is_told() {
        assert!(Requests::parse("r.http", "").is_err());
        assert!(Requests::parse("r.http", "hello").is_err());
    }
}
