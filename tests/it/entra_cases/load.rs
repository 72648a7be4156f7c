//! The cases about load, as counts: times are for `tests/bench`.

use std::time::Duration;

use serde_json::{Value, json};

use super::hold::{Held, Played, that};
use super::world::PATCH;

impl Played {
    pub(super) fn throttled(&self) -> Held {
        that(self.took < Duration::from_secs(30), || {
            format!("it took {:?}", self.took)
        })?;
        let wait = self.response.retry_after();
        let asked = self.response.status < 400 || wait.is_some_and(|seconds| seconds <= 60);
        that(asked, || format!("Retry-After is {wait:?}"))
    }

    /// Shortened: sixty seconds at 25 a second are 1,500 requests; here a
    /// hundred as fast as they go on four connections, judged by their
    /// statuses. Times are for `tests/bench`.
    pub(super) async fn load(&self) -> Held {
        let tenant = self.world.tenant();
        let (user, group) = (self.world.value("u.id")?, self.world.value("g.id")?);
        let patch = |operation: Value| json!({"schemas": [PATCH], "Operations": [operation]});
        let kinds = [
            self.request.clone(),
            tenant.request("GET", &format!("/Users/{user}")),
            tenant
                .request("PATCH", &format!("/Users/{user}"))
                .json(&patch(
                    json!({"op": "Replace", "path": "active", "value": "False"}),
                )),
            tenant
                .request("PATCH", &format!("/Groups/{group}"))
                .json(&patch(
                    json!({"op": "Add", "path": "members", "value": [{"value": user}]}),
                )),
        ];
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (kinds, mut connection) = (kinds.clone(), tenant.connect().await);
            senders.spawn(async move {
                let mut bad = Vec::new();
                for request in kinds.iter().cycle().take(25) {
                    let response = connection.send(request).await;
                    if response.status == 429 || response.status >= 500 {
                        bad.push(format!("{request}\n{response}"));
                    }
                }
                bad
            });
        }
        let bad = senders.join_all().await.concat();
        that(bad.is_empty(), || bad.join("\n"))
    }
}
