//! SoSafe's errors: a code, a German sentence, the field, sometimes the row in the way.

use crate::kit::Answer;
use serde_json::{Value, json};

/// One refusal, on the wire `{"error": {"code", "message", "field", "existing_id"?}}`.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
    field: Option<String>,
    existing_id: Option<u64>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) const BAD_KEY: Self = Self::new(401, "E0401", "Ungültiger API-Schlüssel.");
    pub(super) const WRONG_IDP_TENANT: Self = Self::new(
        403,
        "E0403",
        "Der Identity-Provider-Mandant gehört nicht zu diesem Kunden.",
    );
    pub(super) const NO_SUCH_PATH: Self = Self::new(404, "E0404", "Unbekannter Pfad.");
    pub(super) const WRONG_METHOD: Self = Self::new(405, "E0405", "Methode nicht erlaubt.");
    pub(super) fn too_many_calls(seconds: u64) -> Self {
        let refusal = Self::new(429, "E0429", "Zu viele Anfragen.");
        Self {
            retry_after: Some(seconds),
            ..refusal
        }
    }

    pub(super) const NOT_JSON: Self =
        Self::new(400, "E1000", "Der Inhalt ist kein gültiges JSON-Objekt.");
    pub(super) fn email_taken(by: u64) -> Self {
        Self::new(400, "E1001", "Die E-Mail-Adresse wird bereits verwendet.")
            .on("email")
            .by(by)
    }

    pub(super) fn login_taken(by: u64) -> Self {
        Self::new(400, "E1002", "Der Anmeldename wird bereits verwendet.")
            .on("login")
            .by(by)
    }

    /// E1007 is every complaint about one field; the sentence says which.
    pub(super) fn bad_field(field: &str, message: &'static str) -> Self {
        Self::new(400, "E1007", message).on(field)
    }

    pub(super) fn foreign_domain() -> Self {
        Self::new(
            422,
            "E1105",
            "Die Domain der E-Mail-Adresse ist nicht freigeschaltet.",
        )
        .on("email")
    }

    pub(super) fn group_taken() -> Self {
        Self::new(400, "E1201", "Der Gruppenname wird bereits verwendet.").on("name")
    }

    pub(super) fn group_not_empty() -> Self {
        Self::new(400, "E1208", "Die Gruppe enthält noch Benutzer.").on("name")
    }

    pub(super) const NO_LICENCE: Self = Self::new(400, "E1302", "Alle Lizenzen sind vergeben.");
    pub(super) const NOT_FOUND: Self =
        Self::new(404, "E1404", "Der Datensatz wurde nicht gefunden.");
    pub(super) const LOCKED: Self = Self::new(409, "E1901", "Der Datensatz ist gesperrt (LOCKED).");
    pub(super) const FIRST_SYNC_RUNNING: Self =
        Self::new(503, "E9003", "Die erste Synchronisierung läuft noch.");
    /// Whether it refuses a second row of the same name.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self.code, "E1001" | "E1002" | "E1201")
    }

    const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
            field: None,
            existing_id: None,
            retry_after: None,
        }
    }

    fn on(self, field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..self
        }
    }

    fn by(self, id: u64) -> Self {
        Self {
            existing_id: Some(id),
            ..self
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut error =
            json!({"code": refusal.code, "message": refusal.message, "field": refusal.field});
        if let (Some(id), Value::Object(error)) = (refusal.existing_id, &mut error) {
            error.insert("existing_id".to_owned(), id.into());
        }
        let answer = Self::json(refusal.status, &json!({ "error": error }));
        let answer = Self {
            duplicate: refusal.is_duplicate(),
            ..answer
        };
        match refusal.retry_after {
            Some(seconds) => answer
                .header("retry-after", seconds)
                .header("x-ratelimit-remaining", 0),
            None => answer,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} ({})",
            self.code,
            self.message,
            self.field.as_deref().unwrap_or("-")
        )
    }
}
