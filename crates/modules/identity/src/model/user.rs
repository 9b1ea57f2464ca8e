use chrono::{DateTime, Utc};
use nmc_kernel::{Actor, E164, Role, TenantId, UserId};
use nmc_providers::clerk::ClerkUserId;
use serde::Deserialize;

use super::{email::Email, notifications::NotificationPreferences};

/// Somebody who works in a business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Who they are at Clerk.
    pub clerk_user_id: ClerkUserId,
    /// Their verified address, as Clerk has it.
    pub email: Email,
    /// Their own phone, as Clerk has it.
    pub phone: Option<E164>,
    /// What they may do.
    pub role: Role,
    /// Whether they may do anything.
    pub is_active: bool,
    /// Of what they want to hear.
    pub notifications: NotificationPreferences,
    /// When they joined.
    pub created_at: DateTime<Utc>,
}

/// A person at Clerk whose address is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who they are at Clerk.
    pub clerk_user_id: ClerkUserId,
    /// Their verified address.
    pub email: Email,
    /// Their own phone.
    pub phone: Option<E164>,
    /// Of when this is.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What the local row says of somebody who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignedIn {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
}

/// What is to be different about a user: only the fields that are given change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "OWNER"}))]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they may do anything.
    pub active: Option<bool>,
}

/// The change would leave the business without anybody to run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the last active owner of a business stays one")]
pub struct LastOwner;

impl UserChange {
    /// The user after the change. `other_owners`: how many other active owners the business has.
    pub(crate) fn apply(self, user: &User, other_owners: i64) -> Result<User, LastOwner> {
        let role = self.role.unwrap_or(user.role);
        let is_active = self.active.unwrap_or(user.is_active);
        let changed = User { role, is_active, ..user.clone() };
        if user.is_active_owner() && !changed.is_active_owner() && other_owners == 0 {
            return Err(LastOwner);
        }
        Ok(changed)
    }
}

impl User {
    pub(crate) fn is_active_owner(&self) -> bool {
        self.is_active && self.role == Role::Owner
    }

    /// Somebody new: active, and told of everything.
    pub(crate) fn new(id: UserId, person: Person, role: Role, created_at: DateTime<Utc>) -> Self {
        Self {
            id,
            clerk_user_id: person.clerk_user_id,
            email: person.email,
            phone: person.phone,
            role,
            is_active: true,
            notifications: NotificationPreferences::default(),
            created_at,
        }
    }
}

/// The role's stable word.
pub(crate) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "OWNER",
        Role::Tech => "TECH",
    }
}

/// Whether the actor runs the business: its owners, and operators for them.
pub(crate) const fn runs_the_business(actor: &Actor) -> bool {
    match actor {
        Actor::User { role: Role::Owner, .. } | Actor::Operator { .. } => true,
        Actor::User { role: Role::Tech, .. } | Actor::System { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlx::types::Uuid;

    use super::*;

    fn user(role: Role, is_active: bool) -> User {
        let person = Person {
            clerk_user_id: ClerkUserId::parse("user_1").unwrap(),
            email: Email::parse("owner@example.com").unwrap(),
            phone: None,
            updated_at: None,
        };
        User { is_active, ..User::new(UserId::from(Uuid::from_u128(1)), person, role, DateTime::UNIX_EPOCH) }
    }

    fn any_change() -> impl Strategy<Value = UserChange> {
        let role = prop::option::of(prop_oneof![Just(Role::Owner), Just(Role::Tech)]);
        (role, prop::option::of(any::<bool>())).prop_map(|(role, active)| UserChange { role, active })
    }

    proptest! {
        #[test]
        fn an_owner_is_always_left(changes in prop::collection::vec((0_usize..4, any_change()), 0..40)) {
            let mut people = [
                user(Role::Owner, true), user(Role::Tech, true), user(Role::Owner, false), user(Role::Tech, false),
            ];
            for (at, change) in changes {
                let others = people.iter().enumerate().filter(|(i, user)| *i != at && user.is_active_owner()).count();
                let wanted = UserChange {
                    role: Some(change.role.unwrap_or(people[at].role)),
                    active: Some(change.active.unwrap_or(people[at].is_active)),
                };
                match change.apply(&people[at], i64::try_from(others).unwrap()) {
                    Ok(changed) => {
                        prop_assert_eq!((Some(changed.role), Some(changed.is_active)), (wanted.role, wanted.active));
                        people[at] = changed;
                    }
                    // Refused for no other reason than that nobody would be left.
                    Err(LastOwner) => prop_assert!(others == 0 && people[at].is_active_owner()),
                }
                prop_assert!(people.iter().any(User::is_active_owner));
            }
        }
    }
}
