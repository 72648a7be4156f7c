//! Numbers in 62 digits, without a sign to quote anywhere.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The last `width` digits of a big-endian number, most significant first.
/// 43 digits hold 256 bits, 6 hold 32.
pub(in crate::tenant) fn digits(number: &[u8], width: usize) -> String {
    let mut number = number.to_vec();
    let mut text: Vec<char> = (0..width).map(|_| digit(divide(&mut number))).collect();
    text.reverse();
    text.into_iter().collect()
}

/// Whether `text` has only digits of ours.
pub(in crate::tenant) fn is(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Long division by 62; the quotient takes the number's place.
fn divide(number: &mut [u8]) -> u32 {
    number.iter_mut().fold(0, |remainder, byte| {
        let part = (remainder << 8) | u32::from(*byte);
        *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
        part % 62
    })
}

fn digit(value: u32) -> char {
    let found = usize::try_from(value).ok().and_then(|at| DIGITS.get(at));
    char::from(found.copied().unwrap_or(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: &[u8], width: usize, expect: &str) {
        assert_eq!(digits(number, width), expect);
    }

    #[test]
    fn counts_in_62_digits() {
        check(&[], 1, "0");
        check(&[9], 1, "9");
        check(&[10], 1, "A");
        check(&[61], 2, "0z");
        check(&[62], 2, "10");
        check(&[0x0E, 0xFF], 3, "0zv");
        check(&[255; 4], 6, "4gfFC3");
        check(
            &[255; 32],
            43,
            "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1",
        );
    }

    #[test]
    fn keeps_the_last_digits() {
        check(&[0x0F, 0x04], 1, "0"); // 62 * 62
    }
}
