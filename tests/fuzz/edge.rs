//! The listener: any bytes on a connection.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use scimgate::config::Config;
use scimgate::gateway::Gateway;

static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("scimgate-fuzz-{}", std::process::id()));
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().expect("an address");
    config.server.max_connections_per_source = 1024;
    config.workers = Some(1);
    config.store.path = directory.join("scimgate.db");
    let gateway = Gateway::open(&config).expect("a gateway");
    let address = gateway.local_addr();
    std::mem::forget(gateway.start().expect("it starts"));
    address
});

/// A connection: nobody without a token is let in, and no bytes make the gateway fail.
pub(crate) fn fuzz_http_edge(bytes: &[u8]) -> usize {
    let mut stream = TcpStream::connect(*ADDRESS).expect("it listens");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a timeout");
    // It may have hung up before all is sent.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it never hangs up"),
        _ => {}
    }
    let text = String::from_utf8_lossy(&answer);
    if let Some(status) = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
    {
        assert!(
            status.starts_with('4') || matches!(status, "501" | "505"),
            "{text}"
        );
    }
    answer.len()
}
