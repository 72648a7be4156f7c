//! Requests as Entra sends them, on connections that stay, as cheaply as can be: what the load
//! costs, the gateway waits for.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::gateway::Gateway;
use super::vendor::{PAGE, PEOPLE};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    Get,
    Find,
    /// A page of the list.
    List,
    Patch,
    Post,
}

pub(crate) struct Load {
    connections: Vec<TcpStream>,
    head: Rc<str>,
    number: Rc<Cell<usize>>,
}

impl Load {
    pub(crate) async fn connect(gateway: &Gateway, count: usize) -> Self {
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(gateway.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(stream);
        }
        let (address, token) = (gateway.address, &gateway.token);
        Self {
            connections,
            head: format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n").into(),
            number: Rc::new(Cell::new(PEOPLE)),
        }
    }

    /// Asks for so long on all connections, and says how many answers came.
    pub(crate) async fn run_for(&mut self, deed: Deed, spell: Duration) -> usize {
        let until = Instant::now() + spell;
        self.run(deed, move |_| Instant::now() < until).await
    }

    /// Asks on all connections while `goes_on` says so of the answers that came on one of them,
    /// and says how many came.
    pub(crate) async fn run(
        &mut self,
        deed: Deed,
        goes_on: impl Fn(usize) -> bool + Copy + 'static,
    ) -> usize {
        let mut asking = JoinSet::new();
        for stream in self.connections.drain(..) {
            let (head, number) = (Rc::clone(&self.head), Rc::clone(&self.number));
            asking.spawn_local(ask(stream, head, number, deed, goes_on));
        }
        let (connections, counts): (_, Vec<usize>) = asking.join_all().await.into_iter().unzip();
        self.connections = connections;
        counts.iter().sum()
    }
}

async fn ask(
    mut stream: TcpStream,
    head: Rc<str>,
    number: Rc<Cell<usize>>,
    deed: Deed,
    goes_on: impl Fn(usize) -> bool,
) -> (TcpStream, usize) {
    let good = if deed == Deed::Post { "201" } else { "200" };
    let (mut room, mut count) = (Vec::with_capacity(4096), 0);
    while goes_on(count) {
        number.set(number.get() + 1);
        let request = deed.request(&head, number.get());
        stream.write_all(request.as_bytes()).await.unwrap();
        receive(&mut stream, &mut room).await;
        let answer = String::from_utf8_lossy(&room);
        assert_eq!(answer.get(9..12), Some(good), "{deed:?}: {answer}");
        count += 1;
    }
    (stream, count)
}

impl Deed {
    fn request(self, head: &str, number: usize) -> String {
        let known = number % PEOPLE;
        let (line, body) = match self {
            Self::Get => (format!("GET /scim/v2/Users/p{known}"), String::new()),
            Self::Find => {
                let filter = format!("userName%20eq%20%22user{known}%40example.com%22");
                (format!("GET /scim/v2/Users?filter={filter}"), String::new())
            }
            Self::List => {
                let query = format!("startIndex=1&count={PAGE}");
                (format!("GET /scim/v2/Users?{query}"), String::new())
            }
            Self::Patch => (
                format!("PATCH /scim/v2/Users/p{known}"),
                format!(
                    r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{{"op":"Replace","path":"displayName","value":"Ada {number}"}},{{"op":"Replace","path":"title","value":"Engineer {number}"}}]}}"#
                ),
            ),
            Self::Post => (
                "POST /scim/v2/Users".to_owned(),
                format!(
                    r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"user{number}@example.com","externalId":"ref-{number}","active":true,"displayName":"Ada Lane","title":"Engineer","userType":"Employee","name":{{"givenName":"Ada","familyName":"Lane"}},"emails":[{{"type":"work","value":"user{number}@example.com"}}],"phoneNumbers":[{{"type":"work","value":"+41442681234"}}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"department":"R&D"}}}}"#
                ),
            ),
        };
        let length = body.len();
        format!(
            "{line} HTTP/1.1\r\n{head}Content-Type: application/scim+json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }
}

/// One answer, head and body.
async fn receive(stream: &mut TcpStream, room: &mut Vec<u8>) {
    room.clear();
    loop {
        assert!(stream.read_buf(room).await.unwrap() > 0, "it hung up");
        let text = String::from_utf8_lossy(room);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| length.parse() == Ok(body.len())) {
                return;
            }
        }
    }
}
