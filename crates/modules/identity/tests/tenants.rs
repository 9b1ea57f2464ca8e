//! Tenants through the facade, on a real Postgres, as the services' roles.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use nmc_db::DbError;
use nmc_identity::{
    CallMode, ChangeTenantError, CreateTenantError, Identity, Language, NewTenant, SettingsError, TenantName,
    TenantSettings, TenantStatus,
};
use nmc_kernel::{Actor, E164, Role, TenantId, UserId};
use nmc_testkit::TestDatabase;
use sqlx::types::Uuid;

fn new_tenant(settings: TenantSettings) -> NewTenant {
    NewTenant {
        name: TenantName::parse("Example Plumbing").unwrap(),
        time_zone: "America/New_York".parse().unwrap(),
        settings,
    }
}

fn dialling() -> TenantSettings {
    TenantSettings {
        call_mode: CallMode::Dial,
        forward_to: Some(E164::parse("+12125550111").unwrap()),
        whisper: false,
        languages: vec![Language::Es, Language::En],
        ..TenantSettings::default()
    }
}

fn user(tenant: TenantId, role: Role) -> Actor {
    Actor::User { tenant, user: UserId::from(Uuid::from_u128(1)), role }
}

#[tokio::test]
async fn a_tenant_is_what_was_created() {
    let database = TestDatabase::create().await.unwrap();
    for db in [database.app(), database.dispatcher()] {
        let identity = Identity::new(db.clone());
        let id = identity.create_tenant(new_tenant(dialling())).await.unwrap();
        let mut tx = db.read(id).await.unwrap();
        let tenant = identity.tenant(&mut tx).await.unwrap();
        assert_eq!((tenant.id, tenant.name.as_str()), (id, "Example Plumbing"));
        assert_eq!((tenant.time_zone.name(), tenant.status), ("America/New_York", TenantStatus::Active));
        assert_eq!(tenant.settings, dialling());
    }
}

#[tokio::test]
async fn owners_and_operators_change_settings() {
    let database = TestDatabase::create().await.unwrap();
    let identity = Identity::new(database.app().clone());
    let id = identity.create_tenant(new_tenant(TenantSettings::default())).await.unwrap();
    let read = || async {
        let mut tx = database.dispatcher().read(id).await.unwrap();
        Identity::new(database.dispatcher().clone()).tenant(&mut tx).await.unwrap().settings
    };
    for actor in [user(id, Role::Tech), Actor::System { tenant: id }] {
        let refused = identity.update_settings(&actor, dialling()).await;
        assert!(matches!(refused, Err(ChangeTenantError::Forbidden)));
    }
    assert_eq!(read().await, TenantSettings::default());
    identity.update_settings(&user(id, Role::Owner), dialling()).await.unwrap();
    assert_eq!(read().await, dialling());
    identity.update_settings(&Actor::Operator { tenant: id }, TenantSettings::default()).await.unwrap();
    assert_eq!(read().await, TenantSettings::default());

    let bad = TenantSettings { countries: Vec::new(), ..TenantSettings::default() };
    let refused = identity.update_settings(&user(id, Role::Owner), bad.clone()).await;
    assert!(matches!(refused, Err(ChangeTenantError::Settings(SettingsError::Countries))));
    let refused = identity.create_tenant(new_tenant(bad)).await;
    assert!(matches!(refused, Err(CreateTenantError::Settings(SettingsError::Countries))));
    let nobody = TenantId::from(Uuid::from_u128(9));
    let refused = identity.update_settings(&user(nobody, Role::Owner), dialling()).await;
    assert!(matches!(refused, Err(ChangeTenantError::NotFound)));
}

#[tokio::test]
async fn a_tenant_that_is_not_there_or_not_readable_is_an_error() {
    let database = TestDatabase::create().await.unwrap();
    let identity = Identity::new(database.app().clone());
    let id = identity.create_tenant(new_tenant(TenantSettings::default())).await.unwrap();
    let mut superuser = database.superuser().await.unwrap();
    let mut tx = database.app().read(TenantId::from(Uuid::from_u128(9))).await.unwrap();
    assert!(matches!(identity.tenant(&mut tx).await, Err(DbError::Other(_))));
    for damage in [
        r#"update id_tenants set settings = '{"version": 2}'"#,
        r#"update id_tenants set settings = '{"version": 1, "forward_to": "nobody"}'"#,
        r#"update id_tenants set settings = '{"version": 1}', time_zone = 'Mars/Olympus'"#,
    ] {
        sqlx::query(damage).execute(&mut superuser).await.unwrap();
        let mut tx = database.app().read(id).await.unwrap();
        assert!(matches!(identity.tenant(&mut tx).await, Err(DbError::Other(_))), "{damage}");
    }
}

#[tokio::test]
async fn a_neighbour_is_not_there() {
    let database = TestDatabase::create().await.unwrap();
    let identity = Identity::new(database.app().clone());
    let id = identity.create_tenant(new_tenant(TenantSettings::default())).await.unwrap();
    let neighbour = identity.create_tenant(new_tenant(TenantSettings::default())).await.unwrap();
    for db in [database.app(), database.dispatcher()] {
        let mut tx = db.begin(id).await.unwrap();
        let seen: Vec<Uuid> =
            sqlx::query_scalar("select id from id_tenants").fetch_all(tx.conn().await.unwrap()).await.unwrap();
        assert_eq!(seen, [id.as_uuid()]);
        let changed = sqlx::query("update id_tenants set name = 'x' where id = $1")
            .bind(neighbour.as_uuid())
            .execute(tx.conn().await.unwrap())
            .await
            .unwrap();
        assert_eq!(changed.rows_affected(), 0);
        let deleted = sqlx::query("delete from id_tenants").execute(tx.conn().await.unwrap()).await;
        assert!(deleted.is_err());
    }
}

/// A text costs ten times as much in some countries, and the installation pays.
#[tokio::test]
async fn a_business_chooses_among_the_countries_that_the_installation_texts() {
    let database = TestDatabase::create().await.unwrap();
    let identity = Identity::new(database.app().clone());
    let wide = identity.clone().with_countries(["US", "CA", "GB"].map(str::to_owned).into());
    let id = wide.create_tenant(new_tenant(TenantSettings::default())).await.unwrap();
    let owner = user(id, Role::Owner);
    let choose = |countries: &[&str]| {
        let countries = countries.iter().map(|code| (*code).to_owned()).collect();
        TenantSettings { countries, ..TenantSettings::default() }
    };
    let countries = async |identity: &Identity| {
        let mut tx = database.app().read(id).await.unwrap();
        identity.tenant(&mut tx).await.unwrap().settings.countries
    };
    for actor in [owner, Actor::Operator { tenant: id }] {
        let refused = identity.update_settings(&actor, choose(&["US", "GB"])).await.unwrap_err();
        assert!(matches!(refused, ChangeTenantError::CountryNotOffered(_)));
        assert_eq!(refused.to_string(), "only countries that this installation texts are expected: US, CA");
    }
    assert_eq!(countries(&identity).await, ["US", "CA"]);
    wide.update_settings(&owner, choose(&["GB", "US"])).await.unwrap();
    assert_eq!(countries(&wide).await, ["GB", "US"]);
    // The installation texts fewer countries than it did.
    assert_eq!(countries(&identity).await, ["US"], "what was chosen before does not count any more");
    let change: nmc_identity::TenantChange =
        serde_json::from_value(serde_json::json!({"settings": {"whisper": false}})).unwrap();
    let changed = identity.change_tenant(&owner, change).await.unwrap();
    assert_eq!((changed.settings.whisper, &*changed.settings.countries), (false, &["US".to_owned()][..]));
    assert_eq!(countries(&wide).await, ["GB", "US"], "another change takes nothing away");
}
