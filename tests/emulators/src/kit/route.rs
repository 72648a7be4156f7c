//! Which of the calls of a contract a call is.

use super::vendor::Call;

/// What the counters call a path that is in no contract.
pub const NO_SUCH_PATH: &str = "no such path";
/// And one that is, with another method.
pub const WRONG_METHOD: &str = "wrong method";

/// A call of the contract, with what stands in its path.
#[derive(Clone, Debug)]
pub struct Route {
    /// `METHOD /path/{template}`, [`NO_SUCH_PATH`] or [`WRONG_METHOD`].
    pub template: &'static str,
    arguments: Vec<String>,
}

impl Route {
    /// The one of `templates` that fits a call. `prefix` stands before the path of each, in the
    /// same form and without a slash at its ends: `accounts/{id}`.
    pub fn of(prefix: &str, templates: &[&'static str], call: &Call) -> Self {
        let (path, mut template) = (call.segments(), NO_SUCH_PATH);
        for known in templates {
            let (method, pattern) = known.split_once(' ').unwrap_or((known, ""));
            let arguments = fit(&format!("{prefix}{pattern}"), &path);
            match arguments {
                Some(arguments) if method == call.method.as_str() => {
                    return Self {
                        template: known,
                        arguments,
                    };
                }
                Some(_) => template = WRONG_METHOD,
                None => {}
            }
        }
        Self {
            template,
            arguments: Vec::new(),
        }
    }

    /// Whether the contract has it.
    pub fn is_known(&self) -> bool {
        ![NO_SUCH_PATH, WRONG_METHOD].contains(&self.template)
    }

    /// What stands in the place of the `n`th brace, from 0; nothing if there is none.
    pub fn argument(&self, n: usize) -> &str {
        self.arguments.get(n).map_or("", String::as_str)
    }
}

fn fit(pattern: &str, path: &[String]) -> Option<Vec<String>> {
    let pattern: Vec<_> = pattern.split('/').filter(|it| !it.is_empty()).collect();
    let mut arguments = Vec::new();
    let fits = pattern.iter().zip(path).all(|(wanted, given)| {
        let is_argument = wanted.starts_with('{');
        arguments.extend(is_argument.then(|| given.clone()));
        is_argument || wanted == given
    });
    (fits && pattern.len() == path.len()).then_some(arguments)
}
