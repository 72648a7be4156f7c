//! A vendor's emulator and a gateway before it, on free loopback ports.

use super::emulator::kit::Emulator;
use super::files;
use super::vendors::Showcase;
use crate::adapter::keys::TenantId;
use crate::catalog::{self, Catalog, Sources};
use crate::config::Config;
use crate::gateway::{Gateway, OpenFault};
use crate::scim::Profile;
use crate::server::Running;
use crate::tenant::token::IssueFault;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The one tenant.
const TENANT: &str = "demo";
/// The default limits would have the audience wait.
const PLENTY: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999);

/// Emulator and gateway, running. Everything they keep goes when this does.
pub struct Stand {
    /// The vendor behind the gateway.
    pub vendor: &'static Showcase,
    /// The vendor's emulator.
    pub emulator: Arc<Emulator>,
    /// What an administrator would paste into Entra as Tenant URL.
    pub tenant_url: String,
    /// And as Secret Token. It opens nothing but this stand.
    pub token: String,
    gateway: Running,
    _scratch: TempDir,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum StandFault {
    /// Ports, threads, files.
    #[error("cannot be set up: {0}")]
    Io(#[from] io::Error),
    /// The adapter or the tenant; the text says what and where.
    #[error("the adapter cannot be loaded:\n{0}")]
    Catalog(String),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] OpenFault),
    /// The token.
    #[error(transparent)]
    Token(#[from] IssueFault),
}

impl Stand {
    /// Starts both. Every call to the vendor takes `latency`.
    pub async fn start(
        vendor: &'static Showcase,
        profile: Profile,
        latency: Duration,
    ) -> Result<Self, StandFault> {
        // Nobody else may enter it.
        let scratch = tempfile::Builder::new().prefix("scimgate-").tempdir()?;
        let emulator = (vendor.start)(latency)?;
        let (catalog, tenant) = load(vendor, profile, &emulator, scratch.path())?;
        let gateway = Gateway::open(&config(scratch.path()))?;
        gateway.publish(&catalog);
        let token = gateway.tokens().issue(tenant, None).await?;
        let tenant_url = format!("http://{}/scim/v2", gateway.local_addr());
        Ok(Self {
            vendor,
            emulator: Arc::new(emulator),
            tenant_url,
            token: token.reveal().to_owned(),
            gateway: gateway.start()?,
            _scratch: scratch,
        })
    }

    /// Lets what is under way end.
    pub async fn stop(self) {
        self.gateway.stop().await;
    }
}

/// The catalog with the one tenant in it.
fn load(
    vendor: &Showcase,
    profile: Profile,
    emulator: &Emulator,
    scratch: &Path,
) -> Result<(Catalog, TenantId), StandFault> {
    let root = files::root(vendor.name, scratch)?;
    let tenants = scratch.join("tenants");
    std::fs::create_dir(&tenants)?;
    let tenant = (vendor.tenant_file)(emulator);
    std::fs::write(
        tenants.join(format!("{TENANT}.toml")),
        format!("profile = \"{}\"\n{tenant}", profile.as_str()),
    )?;
    let (catalog, found) = catalog::load(&Sources {
        has_built_in: false,
        adapters: root.join("adapters"),
        scripts: root.join("scripts"),
        tenants: Some(tenants),
    });
    let tenant = TenantId::parse(TENANT).filter(|tenant| catalog.tenants.contains_key(tenant));
    let tenant = tenant.ok_or_else(|| StandFault::Catalog(found.render(false)))?;
    Ok((catalog, tenant))
}

fn config(scratch: &Path) -> Config {
    let mut config = Config::default();
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.store.path = scratch.join("state").join("scimgate.db");
    config.limits.requests_per_second = PLENTY;
    config.limits.burst = PLENTY;
    config
}
