//! The texts that a vendor's console shows its customer.

use super::Issued;
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::config::Config;
use crate::gateway::{doubts, tenant_url};
use crate::server::admin::bodies::{Field, Onboard, Onboarded, SignIn};
use crate::tenant::oauth::TOKEN_PATH;
use crate::tenant::token::KeyId;

/// What the vendor's console shows its customer.
pub(super) fn told(
    config: &Config,
    tenant: TenantId,
    created: bool,
    adapter: &Adapter,
    body: Onboard,
    issued: Option<&Issued>,
) -> Onboarded {
    let url = tenant_url(config, &tenant, adapter.manifest.tenant_url);
    let field = |label, value: String, secret| Field {
        label,
        value,
        secret,
    };
    let mut fields = vec![field("Tenant URL", url.clone(), false)];
    let secret = issued.map(|issued| issued.token.reveal().to_owned());
    if body.sign_in == SignIn::Token {
        fields.extend(secret.map(|secret| field("Secret Token", secret, true)));
    } else {
        fields.push(field("Token Endpoint", format!("{url}{TOKEN_PATH}"), false));
        fields.push(field("Client ID", tenant.to_string(), false));
        fields.extend(secret.map(|secret| field("Client Secret", secret, true)));
    }
    Onboarded {
        tenant,
        customer: body.customer,
        created,
        key: issued.map(|issued| issued.token.key_id().to_string()),
        ended: issued.map_or_else(Vec::new, |issued| {
            issued.ended.iter().map(KeyId::to_string).collect()
        }),
        expires: issued.and_then(|issued| issued.expires),
        fields,
        steps: steps(body.sign_in),
        warnings: doubts(config),
    }
}

fn steps(sign_in: SignIn) -> Vec<String> {
    let method = match sign_in {
        SignIn::Token => "Leave the authentication method at the secret token.",
        SignIn::ClientSecret => "Choose OAuth 2.0 client credentials as the authentication method.",
        SignIn::Federation => "Choose workload identity federation as the authentication method.",
    };
    let steps = [
        "Open the Microsoft Entra admin center: Enterprise applications, your application, Provisioning.",
        "Set the provisioning mode to Automatic and open Admin Credentials.",
        method,
        "Copy each line into the field of its name. A secret is shown only now.",
        "Press Test Connection, and save when it succeeds.",
    ];
    steps.map(str::to_owned).into()
}
