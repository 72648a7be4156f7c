//! Base64 (RFC 4648 §4), and what HTTP says in it.

/// With padding.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(ALPHABET[(bits & 63) as usize]);
    let encode = |chunk: &[u8]| {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let all = [bits >> 18, bits >> 12, bits >> 6, bits].map(letter);
        let letters: String = all[..=chunk.len()].iter().collect();
        format!("{letters:=<4}")
    };
    bytes.as_ref().chunks(3).map(encode).collect()
}

/// `Authorization: Basic` (RFC 7617).
pub fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{username}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::basic;

    #[test]
    fn basic_is_as_the_rfc_has_it() {
        // RFC 7617 §2.
        assert_eq!(
            basic("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(basic("a", "bc"), "Basic YTpiYw==");
        assert_eq!(basic("ab", "cde"), "Basic YWI6Y2Rl");
    }
}
