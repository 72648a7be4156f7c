//! Whom the gateway believes.

use std::io::Write;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::FINE;
use super::*;

/// A vendor with a certificate for `name` and the PEM file of whoever signed it.
async fn start(name: &str) -> (String, tempfile::NamedTempFile) {
    let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(signed.cert.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(FINE.as_bytes()).await;
        }
    });
    (format!("https://localhost:{port}"), ca)
}

async fn post(base_url: &str, tls: TlsOptions) -> Result<VendorReply, CallFault> {
    let pool = Rc::new(Pool::new(tls));
    let network = Network::new(pool, Arc::new(destination(base_url)));
    send(&network, Verb::Post, "/users").await
}

#[tokio::test]
async fn a_certificate_of_the_extra_ca_is_believed() {
    let (base_url, ca) = start("localhost").await;
    let tls = TlsOptions::load(Some(ca.path())).unwrap();
    assert_eq!(post(&base_url, tls).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_unknown_signer_or_another_name_gets_nothing() {
    let (base_url, _) = start("localhost").await;
    let fault = post(&base_url, TlsOptions::load(None).unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(&fault, CallFault::NotSent(why) if why.contains("certificate")),
        "{fault:?}"
    );
    let (base_url, ca) = start("vendor.example").await;
    let tls = TlsOptions::load(Some(ca.path())).unwrap();
    let fault = post(&base_url, tls).await.unwrap_err();
    assert!(
        matches!(&fault, CallFault::NotSent(why) if why.contains("certificate")),
        "{fault:?}"
    );
}

/// TCP is up, TLS never comes: nothing of the request was written.
#[tokio::test]
async fn a_handshake_that_never_ends_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}", listener.local_addr().unwrap());
    let network = network(&base_url);
    for (millis, told) in [
        (20_000, "no connection within"),
        (150, "no connection in time"),
    ] {
        let deadline = Instant::now() + Duration::from_millis(millis);
        let fault = network
            .call(call(Verb::Post, "/users"), deadline)
            .await
            .unwrap_err();
        assert!(
            matches!(&fault, CallFault::NotSent(why) if why.contains(told)),
            "{fault:?}"
        );
    }
}
