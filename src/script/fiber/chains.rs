//! How long the expressions of a source are. rhai bounds how deep brackets nest, but of `a + a + a`
//! or `a.b.b` each operator makes the tree one deeper; it is walked and dropped on any stack.

use rhai::Token;

/// Operators of one expression, beside those in its brackets.
const MOST: u32 = 1_000;

/// Operators so far, for each bracket that is open, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Chains(Vec<u32>);

impl Chains {
    /// Takes note of a token; `false` if its expression is too long.
    pub(super) fn takes(&mut self, token: &Token) -> bool {
        match token {
            Token::SemiColon | Token::Comma => self.reset(),
            Token::LeftBracket | Token::QuestionBracket => {
                let fits = self.count();
                self.0.push(0);
                return fits;
            }
            Token::LeftParen | Token::LeftBrace | Token::MapStart => self.0.push(0),
            Token::RightParen | Token::RightBracket | Token::RightBrace => drop(self.0.pop()),
            Token::Period | Token::Elvis => return self.count(),
            other if other.precedence().is_some() => return self.count(),
            _ => {}
        }
        true
    }

    fn reset(&mut self) {
        if let Some(last) = self.0.last_mut() {
            *last = 0;
        }
    }

    fn count(&mut self) -> bool {
        match self.0.last_mut() {
            Some(last) => {
                *last += 1;
                *last <= MOST
            }
            None => {
                self.0.push(1);
                true
            }
        }
    }
}
