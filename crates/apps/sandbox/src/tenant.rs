//! The example business every sandbox has.

use nmc_compliance::{CampaignSubmission, Compliance};
use nmc_db::{Db, PoolSettings, RouteKind, Wakes};
use nmc_identity::{CallMode, Email, Identity, NewTenant, Person, TenantName, TenantSettings};
use nmc_kernel::{Actor, E164, Role, TenantId};

use crate::{SandboxError, catalog::add_catalog, clerk::user_of, resources::add_resources};

/// Numbers for examples: 555-0100 to 555-0199 belong to nobody.
const NAME: &str = "Example Plumbing";
const BUSINESS: &str = "+14155550100";
const OWNERS_PHONE: &str = "+14155550199";
/// The numbers of businesses like it begin with 415-555-0120.
const OTHERS: u16 = 120;

/// A business that is ready to answer missed calls.
#[derive(Clone, Debug)]
pub struct ExampleTenant {
    /// The business.
    pub id: TenantId,
    /// Its name, as callers read it.
    pub name: &'static str,
    /// The number callers call.
    pub number: E164,
    /// The phone that rings first.
    pub forward_to: E164,
}

/// Finds the example business, or creates it with an approved campaign, a number, its people, what it sells and who
/// does that.
pub async fn example_tenant(app_url: &str) -> Result<ExampleTenant, SandboxError> {
    let db = connect(app_url)?;
    let tenant = async {
        let tenant = find_or_create(&db, phone(BUSINESS)?).await?;
        add_people(&db, tenant.id).await?;
        equip(&db, tenant.id).await?;
        Ok(tenant)
    }
    .await;
    db.close().await;
    tenant
}

/// So many businesses like the example one, with nobody who could sign in.
pub(crate) async fn other_tenants(app_url: &str, count: u16) -> Result<Vec<ExampleTenant>, SandboxError> {
    let db = connect(app_url)?;
    let tenants = async {
        let mut tenants = Vec::new();
        for number in 0..count {
            let tenant = find_or_create(&db, phone(&format!("+1415555{:04}", OTHERS + number))?).await?;
            equip(&db, tenant.id).await?;
            tenants.push(tenant);
        }
        Ok(tenants)
    }
    .await;
    db.close().await;
    tenants
}

fn connect(app_url: &str) -> Result<Db, SandboxError> {
    let settings = PoolSettings { max_connections: 2, ..PoolSettings::default() };
    Ok(Db::new(app_url, settings, Wakes::new())?)
}

/// What it sells and who does that, as far as it lacks them.
async fn equip(db: &Db, tenant: TenantId) -> Result<(), SandboxError> {
    add_catalog(db, tenant).await?;
    add_resources(db, tenant).await
}

/// An owner and a technician, as the simulated Clerk instance has them; those who are there already stay as they are.
async fn add_people(db: &Db, tenant: TenantId) -> Result<(), SandboxError> {
    let identity = Identity::new(db.clone());
    for role in [Role::Owner, Role::Tech] {
        let (clerk_user_id, email) = user_of(role)?;
        let email = Email::parse(email).map_err(SandboxError::tenant)?;
        let person = Person { clerk_user_id, email, phone: None, updated_at: None };
        identity.add_user(&Actor::Operator { tenant }, person, role).await.map_err(SandboxError::tenant)?;
    }
    Ok(())
}

async fn find_or_create(db: &Db, number: E164) -> Result<ExampleTenant, SandboxError> {
    let forward_to = phone(OWNERS_PHONE)?;
    let example = |id| ExampleTenant { id, name: NAME, number: number.clone(), forward_to: forward_to.clone() };
    if let Some(route) = db.route(RouteKind::TwilioNumber, number.as_str()).await? {
        return Ok(example(route.tenant));
    }
    let identity = Identity::new(db.clone());
    let compliance = Compliance::new(db.clone(), identity.clone());
    let settings =
        TenantSettings { call_mode: CallMode::Dial, forward_to: Some(forward_to.clone()), ..TenantSettings::default() };
    let name = TenantName::parse(NAME).map_err(SandboxError::tenant)?;
    let new = NewTenant { name, time_zone: chrono_tz::America::Los_Angeles, settings };
    let id = identity.create_tenant(new).await.map_err(SandboxError::tenant)?;
    let operator = Actor::Operator { tenant: id };
    let campaign = CampaignSubmission {
        legal_name: "Example Plumbing LLC".to_owned(),
        description: "Answers to people who called Example Plumbing and were not picked up.".to_owned(),
        sample_message: "Example Plumbing: sorry we missed your call. Reply STOP to opt out.".to_owned(),
    };
    compliance.submit_campaign(&operator, &campaign).await.map_err(SandboxError::tenant)?;
    compliance.approve_campaign(&operator, 1).await.map_err(SandboxError::tenant)?;
    compliance.add_receiving_number(&operator, &number).await.map_err(SandboxError::tenant)?;
    Ok(example(id))
}

fn phone(text: &str) -> Result<E164, SandboxError> {
    E164::parse(text).map_err(SandboxError::tenant)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]
mod tests {
    use nmc_testkit::TestDatabase;

    use super::*;

    /// Name, minutes kept free after each appointment, number of jobs.
    type Worker = (String, i32, Option<i32>);

    async fn workers(database: &TestDatabase) -> Vec<Worker> {
        let sql = "select name, buffer_after_minutes, cardinality(skills) from sched_resources order by name";
        sqlx::query_as(sql).fetch_all(&mut database.superuser().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn at_a_start_what_is_missing_is_added_and_what_is_there_stays() {
        let database = TestDatabase::create().await.unwrap();
        let first = example_tenant(&database.app_url()).await.unwrap();
        assert_eq!(workers(&database).await, [("Pat".to_owned(), 15, None), ("Sam".to_owned(), 15, Some(3))]);
        let earlier = "update sched_resources set buffer_after_minutes = 45 where name = 'Pat';
                       delete from sched_resources where name = 'Sam';
                       update catalog_service_items set price_cents = 100 where name = 'Leak repair'";
        sqlx::raw_sql(earlier).execute(&mut database.superuser().await.unwrap()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(example_tenant(&database.app_url()).await.unwrap().id, first.id);
            assert_eq!(workers(&database).await, [("Pat".to_owned(), 45, None), ("Sam".to_owned(), 15, Some(3))]);
        }
        let sold = "select count(*), min(price_cents) from catalog_service_items";
        let sold: (i64, i64) = sqlx::query_as(sold).fetch_one(&mut database.superuser().await.unwrap()).await.unwrap();
        assert_eq!(sold, (5, 100));
    }
}
