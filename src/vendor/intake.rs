//! The body of a reply, taken within bounds: of one reply, of a tenant's on a thread, of all.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body: a page of 200 large users is below 1 MiB.
pub(super) const MOST_BODY: usize = 8 << 20;

/// Bodies up to this size take no room: they are bounded by the number of calls.
const SMALL: usize = 64 << 10;

/// Room for the larger bodies of all tenants, in KiB.
const ROOM_OF_ALL: usize = 32 << 10;

/// Room for the larger bodies of one tenant on one thread, in KiB: a vendor that never ends its
/// replies leaves room for others.
const ROOM_OF_TENANT: usize = 16 << 10;

/// What a script makes of a body takes so many times its size: it waits for its turns with it, and keeps the
/// body until it ends.
const READ: usize = 4;

/// So many pieces may be as small as they like; of more, each must bring [`LEAST_PIECE`] bytes on
/// average. A piece costs time whatever its size.
const FREE_PIECES: usize = 16 << 10;
const LEAST_PIECE: usize = 64;

static ALL: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(ROOM_OF_ALL)));

/// What a tenant's connections take in.
#[derive(Debug)]
pub(super) struct Intake(Arc<Semaphore>);

impl Default for Intake {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_OF_TENANT)))
    }
}

/// Leave to hold a body; given back with the body's last copy.
struct Room {
    of_tenant: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

/// Bytes, and the room they take.
struct Kept {
    bytes: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Intake {
    /// Takes a body whole, into one buffer however many pieces it comes in.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) async fn take<B>(&self, mut body: B) -> Result<Bytes, String>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > MOST_BODY {
            return Err(too_long());
        }
        let most = match body.size_hint().exact() {
            Some(_) => weight(announced),
            None => MOST_BODY,
        };
        // All at once: whoever held a part and waited for more could wait for another who does.
        let mut room = match announced > SMALL {
            true => Some(self.room(most).await?),
            false => None,
        };
        let mut bytes = Vec::with_capacity(announced);
        let mut pieces = 0;
        while let Some(piece) = body.frame().await {
            let piece = piece.map_err(|error| format!("its body was cut: {error}"))?;
            let Ok(data) = piece.into_data() else {
                continue;
            };
            if bytes.is_empty() && data.len() <= SMALL && body.is_end_stream() {
                return Ok(data);
            }
            let size = bytes.len() + data.len();
            pieces += 1;
            if size > MOST_BODY {
                return Err(too_long());
            }
            if pieces > FREE_PIECES && size < pieces * LEAST_PIECE {
                return Err("its body came in too small pieces".to_owned());
            }
            if size > SMALL && room.is_none() {
                room = Some(self.room(most).await?);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(match room {
            None => bytes.into(),
            Some(room) => {
                bytes.shrink_to_fit();
                let _room = room.shrunk(weight(bytes.len()));
                Bytes::from_owner(Kept { bytes, _room })
            }
        })
    }

    async fn room(&self, bytes: usize) -> Result<Room, String> {
        let closed = |_| "there is no room for its body".to_owned();
        let of_tenant = Arc::clone(&self.0).acquire_many_owned(kib(bytes));
        let of_tenant = of_tenant.await.map_err(closed)?;
        let of_all = Arc::clone(&ALL).acquire_many_owned(kib(bytes));
        Ok(Room {
            of_tenant,
            of_all: of_all.await.map_err(closed)?,
        })
    }
}

impl Room {
    /// Gives back what is more than these bytes.
    fn shrunk(mut self, bytes: usize) -> Self {
        for permit in [&mut self.of_tenant, &mut self.of_all] {
            let surplus = permit.num_permits().saturating_sub(kib(bytes) as usize);
            drop(permit.split(surplus));
        }
        self
    }
}

/// What a body counts.
fn weight(bytes: usize) -> usize {
    bytes.saturating_mul(READ).min(MOST_BODY)
}

fn too_long() -> String {
    format!("its body is longer than {MOST_BODY} bytes")
}

/// No body is so long that its KiB do not fit.
fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body of so many pieces of one size, its length not announced.
    struct Pieces(VecDeque<Bytes>);

    impl Pieces {
        fn new(count: usize, size: usize) -> Self {
            Self((0..count).map(|_| Bytes::from(vec![b' '; size])).collect())
        }
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|data| Ok(Frame::data(data))))
        }
    }

    #[tokio::test]
    async fn a_body_is_taken_whole_and_its_room_given_back() {
        let intake = Intake::default();
        for (count, size) in [(0, 0), (1, 10), (3, 10), (40, 5_000), (2, 4 << 20)] {
            let taken = intake.take(Pieces::new(count, size)).await.unwrap();
            assert_eq!(taken.len(), count * size);
            let held = ROOM_OF_TENANT - intake.0.available_permits();
            let large = count * size > SMALL;
            assert_eq!(held > 0, large, "{count} x {size}");
            if large {
                assert_eq!(held, kib(weight(taken.len())) as usize, "what it needs");
            }
            let copy = taken.clone();
            drop(taken);
            assert_eq!(ROOM_OF_TENANT - intake.0.available_permits(), held);
            drop(copy);
            assert_eq!(intake.0.available_permits(), ROOM_OF_TENANT);
        }
    }

    #[tokio::test]
    async fn too_many_bytes_and_too_small_pieces_are_refused() {
        let intake = Intake::default();
        let refused = async |count: usize, size: usize| {
            intake.take(Pieces::new(count, size)).await.unwrap_err()
        };
        assert!(refused(9, 1 << 20).await.contains("longer"));
        assert!(refused(FREE_PIECES + 1, 1).await.contains("pieces"));
        assert_eq!(intake.0.available_permits(), ROOM_OF_TENANT);
        assert!(intake.take(Pieces::new(FREE_PIECES, 1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_third_large_body_of_a_tenant_waits_until_one_is_gone() {
        let intake = Intake::default();
        let first = intake.take(Pieces::new(2, 4 << 20)).await.unwrap();
        let second = intake.take(Pieces::new(2, 4 << 20)).await.unwrap();
        let mut third = std::pin::pin!(intake.take(Pieces::new(2, 40 << 10)));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(third.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert_eq!(third.await.unwrap().len(), 80 << 10);
        drop(second);
    }
}
