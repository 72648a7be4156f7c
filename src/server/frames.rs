//! HTTP/2 frames that ask for work and bring no request: PING, SETTINGS, PRIORITY, RST_STREAM,
//! WINDOW_UPDATE, crumbs of DATA. Each has a use, and a client that sends thousands of them
//! between two requests has another one. The library below bounds some of them; here all are
//! counted, by their heads alone (RFC 9113 §4.1).

use std::time::Duration;

use tokio::time::Instant;

/// Bytes of a frame's head.
const HEAD: usize = 9;
/// Idle frames a connection may send at once, and a second in the long run.
const IDLE: (u32, u32) = (1000, 100);
/// Streams it may reset: the requests it gave up.
const RESETS: (u32, u32) = (200, 20);
/// How many go with one request: to make room for its answer, to measure the line, to give it up.
const WITH_A_REQUEST: u32 = 64;
/// DATA that is shorter, and not the last of its request, is a crumb.
const CRUMB: usize = 256;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
/// Flag of DATA and HEADERS: the last of the stream.
const END_STREAM: u8 = 1;

/// Counts the frames a client sends.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; HEAD],
    filled: usize,
    /// Payload still to come.
    payload: usize,
    idle: Allowance,
    resets: Allowance,
}

/// So many at once, and so many a second.
#[derive(Debug)]
struct Allowance {
    burst: u32,
    per_second: u32,
    left: u32,
    filled_up: Instant,
}

/// The client sends more idle frames than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a flood of HTTP/2 frames that bring no request")]
pub(super) struct Flood;

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            head: [0; HEAD],
            filled: 0,
            payload: 0,
            idle: Allowance::of(IDLE),
            resets: Allowance::of(RESETS),
        }
    }

    /// Takes note of bytes that were received after the preface.
    ///
    /// # Errors
    /// [`Flood`].
    pub(super) fn received(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        while !bytes.is_empty() {
            let skipped = self.payload.min(bytes.len());
            self.payload -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let taken = (HEAD - self.filled).min(bytes.len());
            let (head, rest) = bytes.split_at(taken);
            if let Some(place) = self.head.get_mut(self.filled..self.filled + taken) {
                place.copy_from_slice(head);
            }
            self.filled += taken;
            bytes = rest;
            if self.filled == HEAD {
                self.filled = 0;
                self.begun()?;
            }
        }
        Ok(())
    }

    /// A frame has begun.
    fn begun(&mut self) -> Result<(), Flood> {
        let [a, b, c, kind, flags, ..] = self.head;
        self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
        match kind {
            HEADERS => {
                self.idle.give(WITH_A_REQUEST);
                Ok(())
            }
            DATA if self.payload >= CRUMB || flags & END_STREAM != 0 => Ok(()),
            RST_STREAM => self.resets.take(),
            _ => self.idle.take(),
        }
    }
}

impl Allowance {
    fn of((burst, per_second): (u32, u32)) -> Self {
        Self {
            burst,
            per_second,
            left: burst,
            filled_up: Instant::now(),
        }
    }

    fn give(&mut self, more: u32) {
        self.left = self.left.saturating_add(more).min(self.burst);
    }

    fn take(&mut self) -> Result<(), Flood> {
        if self.left == 0 {
            let passed = self.filled_up.elapsed().min(Duration::from_secs(60));
            self.give((passed.as_secs_f64() * f64::from(self.per_second)) as u32);
            self.filled_up = Instant::now();
        }
        self.left = self.left.checked_sub(1).ok_or(Flood)?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let [_, a, b, c] = (payload as u32).to_be_bytes();
        let mut bytes = vec![a, b, c, kind, flags, 0, 0, 0, 1];
        bytes.resize(HEAD + payload, 7);
        bytes
    }

    /// How many of these frames a connection may send, in pieces of `piece` bytes.
    fn passed(frame: &[u8], most: usize, piece: usize) -> usize {
        let mut frames = Frames::new();
        let all = frame.repeat(most);
        let mut passed = 0;
        for piece in all.chunks(piece) {
            if frames.received(piece).is_err() {
                return passed / frame.len();
            }
            passed += piece.len();
        }
        most
    }

    #[tokio::test(start_paused = true)]
    async fn floods_of_each_kind_end_and_pieces_do_not_matter() {
        for kind in [2, 4, 6, 8, 9, 77] {
            for piece in [1, 5, 9, 4096] {
                let count = passed(&frame(kind, 0, 8), 5000, piece);
                assert!((900..=1100).contains(&count), "{kind} {piece}: {count}");
            }
        }
        let given_up = [frame(HEADERS, 4, 60), frame(RST_STREAM, 0, 4)].concat();
        assert!(
            passed(&given_up, 5000, 4096) <= 250,
            "requests that are reset"
        );
        assert!(passed(&frame(DATA, 0, 1), 5000, 4096) <= 1100, "crumbs");
        assert!(passed(&frame(DATA, 0, 0), 5000, 4096) <= 1100, "empty");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_with_what_goes_with_them_go_on_for_ever() {
        let request = [
            frame(HEADERS, 4, 60),
            frame(DATA, 0, 16_384),
            frame(DATA, 1, 3),
        ];
        let about = [frame(6, 0, 8), frame(8, 0, 4), frame(8, 0, 4)];
        let one = [request.concat(), about.concat()].concat();
        assert_eq!(passed(&one, 20_000, 65_536), 20_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_may_ping_again() {
        let mut frames = Frames::new();
        let ping = frame(6, 0, 8);
        for _ in 0..20 {
            frames.received(&ping.repeat(900)).unwrap();
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(frames.received(&ping.repeat(5000)), Err(Flood));
    }
}
