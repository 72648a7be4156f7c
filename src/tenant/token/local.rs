//! The pass of whoever may read the pepper: the command line on the gateway's
//! own host needs no token.
//!
//! ```text
//! scl_1795161600_<43 characters: HMAC-SHA256 of the time>
//! ```
//!
//! It is good for a minute. On a shared loopback another process may take the
//! admin port while the gateway is down; what it then catches soon opens nothing.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Pepper, base62};

const PREFIX: &str = "scl_";
const PROOF: usize = 43;
/// Seconds before and after its time in which a pass is good.
const GOOD: u64 = 60;

/// Makes and tests passes under the key of one pepper.
pub struct LocalPass(SecretString);

impl LocalPass {
    /// The passes of a pepper's holders.
    pub fn of(pepper: &Pepper) -> Self {
        let key = pepper.derived("key for local administration");
        Self(base62::digits(&key, PROOF).into())
    }

    /// A pass for a request that is sent at `now`.
    pub fn issue(&self, now: Timestamp) -> SecretString {
        let second = now.as_second();
        format!("{PREFIX}{second}_{}", self.proof(second)).into()
    }

    /// Whether `presented` is a pass of ours and good at `now`.
    pub fn admits(&self, presented: &str, now: Timestamp) -> bool {
        let parts = presented
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'));
        let Some((second, proof)) = parts else {
            return false;
        };
        let Ok(second) = second.parse::<i64>() else {
            return false;
        };
        let genuine: bool = proof.as_bytes().ct_eq(self.proof(second).as_bytes()).into();
        genuine && second.abs_diff(now.as_second()) <= GOOD
    }

    fn proof(&self, second: i64) -> String {
        // A key of 43 letters is shorter than a block: HMAC fills it up with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(PROOF);
        key.copy_from_slice(self.0.expose_secret().as_bytes());
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(&second.to_be_bytes());
        base62::digits(&mac.finalize().into_bytes(), PROOF)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_pass_is_good_for_a_minute_and_under_its_own_pepper_only() {
        let ours = LocalPass::of(&Pepper::random().unwrap());
        let pass = ours.issue(at(1_000));
        let pass = pass.expose_secret();
        for (second, good) in [(939, false), (940, true), (1_060, true), (1_061, false)] {
            assert_eq!(ours.admits(pass, at(second)), good, "{second}");
        }
        let theirs = LocalPass::of(&Pepper::random().unwrap());
        assert!(!theirs.admits(pass, at(1_000)));
    }

    #[test]
    fn an_edited_pass_opens_nothing() {
        let ours = LocalPass::of(&Pepper::random().unwrap());
        let pass = ours.issue(at(1_000));
        let later = pass.expose_secret().replace("_1000_", "_2000_");
        assert!(!ours.admits(&later, at(2_000)));
        for text in [
            "",
            "scl_",
            "scl_1000_",
            "scl_x_y",
            "scg_1000_",
            "scl_99999999999999999999_",
        ] {
            assert!(!ours.admits(text, at(1_000)), "{text}");
        }
    }
}
