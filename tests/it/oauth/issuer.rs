//! An identity provider of our own: it publishes keys and signs what Entra would sign, and what
//! nobody should.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Keys take a while to make: all tests share four.
static KEYS: LazyLock<[Arc<KeyPair>; 4]> =
    LazyLock::new(|| [0; 4].map(|_| Arc::new(KeyPair::generate(KeySize::Rsa2048).unwrap())));

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A key and its name.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pair: Arc<KeyPair>,
}

impl Key {
    /// One of four.
    pub(crate) fn number(place: usize) -> Self {
        Self {
            kid: format!("kid-{place}"),
            pair: Arc::clone(&KEYS[place]),
        }
    }

    /// As RFC 7517 §4 has it.
    pub(crate) fn public(&self) -> Value {
        let key = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": "which is not read",
            "n": base64(key.modulus().big_endian_without_leading_zero()),
            "e": base64(key.exponent().big_endian_without_leading_zero()),
        })
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string(), &RSA_PKCS1_SHA256)
    }

    pub(crate) fn sign_text(
        &self,
        header: &str,
        claims: &str,
        way: &'static dyn RsaEncoding,
    ) -> String {
        let said = format!("{}.{}", base64(header), base64(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        let signed = self
            .pair
            .sign(way, &random, said.as_bytes(), &mut signature);
        signed.unwrap();
        format!("{said}.{}", base64(signature))
    }
}

/// The place where keys are published.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) keys_url: String,
    published: Arc<Mutex<Value>>,
    fetches: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl Issuer {
    /// Publishes these keys on loopback.
    pub(crate) async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            keys_url: format!("http://{}/keys", listener.local_addr().unwrap()),
            published: Arc::default(),
            fetches: Arc::default(),
            is_down: Arc::default(),
        };
        issuer.publish(keys);
        tokio::spawn(issuer.clone().serve(listener));
        issuer
    }

    /// Publishes others.
    pub(crate) fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        let odd = json!({"kty": "new", "kid": "a kind that nobody knows yet"});
        let keys: Vec<Value> = keys.into_iter().chain([odd]).collect();
        *self.published.lock().unwrap() = json!({ "keys": keys });
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let (status, body) = match self.is_down.load(Ordering::SeqCst) {
                true => ("503 Service Unavailable", String::new()),
                false => ("200 OK", self.published.lock().unwrap().to_string()),
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}
