//! Clients that ask for large answers and read none of them.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::stand::{Stand, asking, frame, get, preface};

const PAGE: &str = "/scim/v2/Users?count=250";
/// Of each tenant.
const CONNECTIONS: usize = 10;
/// Of one connection of HTTP/2.
const STREAMS: u32 = 50;

/// Holds connections of all tenants of the large vendor over HTTP/1 and HTTP/2, each with a page of
/// 250 users to be read, for as long as the attack lasts.
pub(crate) async fn readers(stand: &Stand, span: Duration) -> String {
    let mut held = JoinSet::new();
    for token in &stand.vendors {
        for _ in 0..CONNECTIONS {
            held.spawn(hold(stand.address, get(token, "/Users?count=250"), span));
        }
        // No stream of it has a window.
        let mut frames = [preface(), frame(4, 0, &[0, 4, 0, 0, 0, 0])].concat();
        (0..STREAMS).for_each(|number| frames.extend(asking(2 * number + 1, PAGE, token, 1)));
        held.spawn(hold(stand.address, frames, span));
    }
    let opened = held.join_all().await.into_iter().flatten().count();
    format!(
        "{opened} connections, {} MiB resident at most",
        stand.peak_mib()
    )
}

async fn hold(
    address: std::net::SocketAddr,
    request: Vec<u8>,
    span: Duration,
) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_recv_buffer_size(4096).ok()?;
    let mut stream = timeout(span, socket.connect(address)).await.ok()?.ok()?;
    stream.write_all(&request).await.ok()?;
    sleep(span).await;
    Some(stream)
}
