//! [`TenantBook`] and [`GrantBook`] of consoles in SQL.

use jiff::Timestamp;
use rusqlite::params;

use super::Store;
use super::lane::Turn;
use super::sql::{Db, Result, Row};
use super::tokens::{damaged, time};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;
use crate::tenant::stored::{Added, Customer, Service, StoredTenant, TenantBook};
use crate::tenant::token::admin::AdminName;
use crate::tenant::token::grants::{GrantBook, GrantRecord};
use crate::tenant::token::onboarding::Scope;
use crate::tenant::token::{KeyId, TokenDigest};

/// What goes with a tenant that is deleted, and what ends.
const WITH_IT: [&str; 6] = [
    "DELETE FROM remembered WHERE tenant = ?1",
    "DELETE FROM issued_id WHERE tenant = ?1",
    "DELETE FROM membership WHERE tenant = ?1",
    "DELETE FROM intent WHERE tenant = ?1",
    "DELETE FROM recent_write WHERE tenant = ?1",
    "DELETE FROM batch_counts WHERE tenant = ?1",
];

impl TenantBook for Store {
    fn tenants_since(&self, revision: u64) -> Recall<'_, Vec<StoredTenant>> {
        let since = i64::try_from(revision).unwrap_or(i64::MAX);
        self.read(move |db| {
            db.rows(
                "SELECT tenant, adapter, customer, service, document, revision, created, changed
                 FROM stored_tenant WHERE revision > ?1 ORDER BY revision",
                params![since],
                tenant,
            )
        })
    }

    fn stored_tenant(&self, id: &TenantId) -> Recall<'_, Option<StoredTenant>> {
        let id = id.clone();
        self.read(move |db| {
            db.row(
                "SELECT tenant, adapter, customer, service, document, revision, created, changed
                 FROM stored_tenant WHERE tenant = ?1 AND service <> 'deleted'",
                params![id.as_str()],
                tenant,
            )
        })
    }

    fn tenant_of(&self, adapter: &str, customer: &Customer) -> Recall<'_, Option<StoredTenant>> {
        let (adapter, customer) = (adapter.to_owned(), customer.clone());
        self.read(move |db| of_customer(db, &adapter, &customer))
    }

    fn add_tenant(&self, new: StoredTenant) -> Recall<'_, Added> {
        self.write(Turn::Tenants, move |db| {
            if let Some(customer) = &new.customer
                && let Some(there) = of_customer(db, &new.adapter, customer)?
            {
                return Ok(Added::Has(Box::new(there)));
            }
            let inserted = db.execute(
                "INSERT INTO stored_tenant
                 (tenant, adapter, customer, service, document, revision, created, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant) DO NOTHING",
                params![
                    new.id.as_str(),
                    new.adapter,
                    new.customer.as_ref().map(Customer::as_str),
                    new.service.as_str(),
                    new.text,
                    next(db)?,
                    new.created.as_millisecond(),
                    new.changed.as_millisecond(),
                ],
            )?;
            Ok(match inserted {
                1 => Added::New,
                _ => Added::NameTaken,
            })
        })
    }

    fn change_tenant(&self, tenant: StoredTenant) -> Recall<'_, bool> {
        self.write(Turn::Tenants, move |db| {
            let StoredTenant {
                id,
                adapter,
                service,
                text,
                revision,
                changed,
                ..
            } = tenant;
            let updated = db.execute(
                "UPDATE stored_tenant
                 SET adapter = ?2, service = ?3, document = ?4, revision = ?5, changed = ?6
                 WHERE tenant = ?1 AND revision = ?7 AND service <> 'deleted'",
                params![
                    id.as_str(),
                    adapter,
                    service.as_str(),
                    text,
                    next(db)?,
                    changed.as_millisecond(),
                    i64::try_from(revision).unwrap_or(i64::MAX),
                ],
            )?;
            if updated == 1 && service == Service::Deleted {
                end(db, &id, changed)?;
            }
            Ok(updated == 1)
        })
    }
}

/// The revision of the change that is being made; nobody else makes one meanwhile.
fn next(db: &Db<'_>) -> Result<i64> {
    let last = db.row(
        "SELECT coalesce(max(revision), 0) FROM stored_tenant",
        &[],
        |row| row.get::<i64>(0),
    )?;
    Ok(last.unwrap_or_default().saturating_add(1))
}

fn end(db: &Db<'_>, id: &TenantId, at: Timestamp) -> Result<()> {
    for statement in WITH_IT {
        db.execute(statement, params![id.as_str()])?;
    }
    db.execute(
        "UPDATE token SET revoked = coalesce(revoked, ?2) WHERE tenant = ?1",
        params![id.as_str(), at.as_millisecond()],
    )
    .map(drop)
}

fn of_customer(db: &Db<'_>, adapter: &str, customer: &Customer) -> Result<Option<StoredTenant>> {
    db.row(
        "SELECT tenant, adapter, customer, service, document, revision, created, changed
         FROM stored_tenant WHERE adapter = ?1 AND customer = ?2 AND service <> 'deleted'",
        params![adapter, customer.as_str()],
        tenant,
    )
}

fn tenant(row: &Row<'_>) -> Result<StoredTenant> {
    let customer: Option<String> = row.get(2)?;
    let customer = customer.map(|text| Customer::parse(&text).ok_or_else(|| damaged("customer")));
    let written = row.text(3)?;
    let mut services = Service::ALL.into_iter();
    let service = services.find(|service| service.as_str() == written);
    let revision: i64 = row.get(5)?;
    Ok(StoredTenant {
        id: TenantId::parse(row.text(0)?).ok_or_else(|| damaged("tenant"))?,
        adapter: row.text(1)?.to_owned(),
        customer: customer.transpose()?,
        service: service.ok_or_else(|| damaged("service"))?,
        text: row.text(4)?.to_owned(),
        revision: u64::try_from(revision).map_err(|_| damaged("revision"))?,
        created: time(row, 6)?.ok_or_else(|| damaged("time"))?,
        changed: time(row, 7)?.ok_or_else(|| damaged("time"))?,
    })
}

impl GrantBook<Scope> for Store {
    fn find_grant(&self, key_id: &KeyId) -> Recall<'_, Option<GrantRecord<Scope>>> {
        let key_id = key_id.clone();
        self.read(move |db| {
            db.row(
                "SELECT key_id, name, adapter, template, digest, created, revoked
                 FROM onboarding_token WHERE key_id = ?1",
                params![key_id.as_str()],
                onboarding,
            )
        })
    }

    fn insert_grant(&self, record: GrantRecord<Scope>) -> Recall<'_, bool> {
        self.write(Turn::Any, move |db| {
            db.execute(
                "INSERT INTO onboarding_token
                 (key_id, name, adapter, template, digest, created, revoked)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                params![
                    record.key_id.as_str(),
                    record.grant.name.as_str(),
                    record.grant.adapter,
                    record.grant.template,
                    record.digest.as_bytes(),
                    record.created.as_millisecond(),
                    record.revoked.map(Timestamp::as_millisecond),
                ],
            )
            .map(|inserted| inserted == 1)
        })
    }

    fn revoke_grant(&self, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool> {
        let key_id = key_id.clone();
        self.write(Turn::Any, move |db| {
            db.execute(
                "UPDATE onboarding_token SET revoked = coalesce(revoked, ?2) WHERE key_id = ?1",
                params![key_id.as_str(), at.as_millisecond()],
            )
            .map(|changed| changed == 1)
        })
    }

    fn list_grants(&self) -> Recall<'_, Vec<GrantRecord<Scope>>> {
        self.read(|db| {
            db.rows(
                "SELECT key_id, name, adapter, template, digest, created, revoked
                 FROM onboarding_token ORDER BY created, key_id",
                &[],
                onboarding,
            )
        })
    }
}

fn onboarding(row: &Row<'_>) -> Result<GrantRecord<Scope>> {
    Ok(GrantRecord {
        key_id: KeyId::parse(row.text(0)?).ok_or_else(|| damaged("key id"))?,
        grant: Scope {
            name: AdminName::parse(row.text(1)?).ok_or_else(|| damaged("name"))?,
            adapter: row.text(2)?.to_owned(),
            template: row.text(3)?.to_owned(),
        },
        digest: TokenDigest::from_bytes(row.get(4)?),
        created: time(row, 5)?.ok_or_else(|| damaged("time"))?,
        revoked: time(row, 6)?,
    })
}
