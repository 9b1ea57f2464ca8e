//! Every named constraint of the module's tables, with what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_db::DbError;
use nmc_kernel::Role;
use setup::World;
use sqlx::AssertSqlSafe;

/// Each constraint with a statement that breaks it, by columns that the services may write.
const BROKEN: &[(&str, &str)] = &[
    (
        "id_tenants_pkey",
        "insert into id_tenants select tenant_id, id, name, time_zone, settings, status, created_at, updated_at
         from id_tenants",
    ),
    (
        "id_tenants_is_itself",
        "insert into id_tenants
         select tenant_id, gen_random_uuid(), name, time_zone, settings, status, created_at, updated_at from id_tenants",
    ),
    ("id_tenants_name_length", "update id_tenants set name = ''"),
    ("id_tenants_time_zone_length", "update id_tenants set time_zone = ''"),
    ("id_tenants_settings_versioned", "update id_tenants set settings = '{}'"),
    ("id_tenants_status_words", "update id_tenants set status = 'closed'"),
    ("id_users_pkey", "USER id, 'user_other'"),
    ("id_users_clerk_user_once", "USER gen_random_uuid(), clerk_user_id"),
    ("id_users_clerk_user_shape", "USER gen_random_uuid(), 'inv_1'"),
    ("id_users_email_length", "update id_users set email = 'x'"),
    ("id_users_phone_e164", "update id_users set phone = '555-0100'"),
    ("id_users_role_words", "update id_users set role = 'BOSS'"),
    ("id_users_notifications_versioned", "update id_users set notifications = '{}'"),
    ("id_invitations_pkey", "INVITATION id, email, role, null"),
    ("id_invitations_email_length", "INVITATION gen_random_uuid(), 'x', role, null"),
    ("id_invitations_role_words", "INVITATION gen_random_uuid(), email, 'BOSS', null"),
    ("id_invitations_invited_by_user", "INVITATION gen_random_uuid(), email, role, gen_random_uuid()"),
    ("id_invitations_status_words", "update id_invitations set status = 'lost'"),
    ("id_invitations_failure_told", "update id_invitations set status = 'failed'"),
    ("id_invitations_failure_length", "update id_invitations set status = 'failed', failure = ''"),
    ("id_invitations_accepted_by_whom", "update id_invitations set status = 'accepted'"),
    (
        "id_invitations_accepted_by_user",
        "update id_invitations set status = 'accepted', accepted_by = gen_random_uuid()",
    ),
    ("id_invitations_sent_with_id", "update id_invitations set sent_at = created_at"),
    (
        "id_invitations_clerk_invitation_shape",
        "update id_invitations set sent_at = created_at, clerk_invitation_id = 'user_1'",
    ),
    ("id_feature_gates_pkey", "GATE id, 'sending', reason"),
    ("id_feature_gates_once", "GATE gen_random_uuid(), gate, reason"),
    ("id_feature_gates_gate_words", "GATE gen_random_uuid(), 'everything', reason"),
    ("id_feature_gates_reason_length", "GATE gen_random_uuid(), 'sending', ''"),
    ("id_audit_log_pkey", "LOG id, 99, 'operator', null, 'x', 'x', hash, hash"),
    ("id_audit_log_in_order", "LOG gen_random_uuid(), seq, 'operator', null, 'x', 'x', hash, hash"),
    ("id_audit_log_counted", "LOG gen_random_uuid(), 0, 'operator', null, 'x', 'x', hash, hash"),
    ("id_audit_log_actor_words", "LOG gen_random_uuid(), 99, 'robot', null, 'x', 'x', hash, hash"),
    ("id_audit_log_actor_named", "LOG gen_random_uuid(), 99, 'user', null, 'x', 'x', hash, hash"),
    ("id_audit_log_action_length", "LOG gen_random_uuid(), 99, 'operator', null, '', 'x', hash, hash"),
    ("id_audit_log_object_length", "LOG gen_random_uuid(), 99, 'operator', null, 'x', '', hash, hash"),
    ("id_audit_log_prev_hash_sha256", "LOG gen_random_uuid(), 99, 'operator', null, 'x', 'x', '\\x00', hash"),
    ("id_audit_log_hash_sha256", "LOG gen_random_uuid(), 99, 'operator', null, 'x', 'x', hash, '\\x00'"),
];

/// A case's short form as SQL: another row made of the one that is there.
fn sql(case: &str) -> String {
    let (word, values) = case.split_once(' ').unwrap();
    match word {
        "USER" => format!(
            "insert into id_users (tenant_id, id, clerk_user_id, email, role, active, notifications, created_at, updated_at)
             select tenant_id, {values}, email, role, active, notifications, created_at, updated_at from id_users"
        ),
        "INVITATION" => format!(
            "insert into id_invitations (tenant_id, id, email, role, invited_by, status, expires_at, created_at, updated_at)
             select tenant_id, {values}, 'revoked', expires_at, created_at, updated_at from id_invitations"
        ),
        "GATE" => format!(
            "insert into id_feature_gates (tenant_id, id, gate, reason, enabled, created_at, updated_at)
             select tenant_id, {values}, enabled, created_at, updated_at from id_feature_gates"
        ),
        "LOG" => format!(
            "insert into id_audit_log (tenant_id, id, seq, actor_kind, actor_id, action, object, prev_hash, hash,
                                       object_id, before, after, created_at)
             select tenant_id, {values}, object_id, before, after, created_at from id_audit_log where seq = 1"
        ),
        _ => case.to_owned(),
    }
}

#[tokio::test]
async fn every_constraint_refuses_what_breaks_it() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let email = "tech@example.com".parse().unwrap();
    world.identity.invite(&owner.actor(), email, Role::Tech, None).await.unwrap();
    let gate = "insert into id_feature_gates (tenant_id, id, gate, enabled, reason, created_at, updated_at)
                values ($1, gen_random_uuid(), 'booking', false, 'canceled', 'epoch', 'epoch')";
    let mut tx = world.database.app().begin(tenant).await.unwrap();
    sqlx::query(gate).bind(tenant.as_uuid()).execute(tx.conn().await.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    let me = world.ask(&owner.clerk, "GET /me", None).await.body;
    assert_eq!((&me["gates"][1]["enabled"], &me["gates"][1]["reason"]), (&false.into(), &"canceled".into()));

    for (name, case) in BROKEN {
        let mut tx = world.database.app().begin(tenant).await.unwrap();
        let statement = sqlx::query(AssertSqlSafe(sql(case)));
        let refused = statement.execute(tx.conn().await.unwrap()).await.map_err(DbError::from);
        assert_eq!(refused.as_ref().err().and_then(DbError::constraint), Some(*name), "{refused:?}");
    }
    let mut all: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint
         where conrelid::regclass::text like 'id\\_%' and contype in ('c', 'f', 'p', 'u', 'x')",
    )
    .fetch_all(&mut world.database.superuser().await.unwrap())
    .await
    .unwrap();
    all.sort();
    let mut provoked: Vec<&str> = BROKEN.iter().map(|(name, _)| *name).collect();
    provoked.sort_unstable();
    assert_eq!(all, provoked);
}
