//! Clerk: who signs in. Session tokens verified, signed webhooks in, users and invitations over the Backend API.
//!
//! | part | what it is |
//! |---|---|
//! | [`token`] | a bearer token, verified against Clerk's published keys |
//! | [`webhook`] | a webhook that has proved its signature, as a type |
//! | [`client`] | users and invitations over the REST API |
//! | [`user`] | a person as Clerk has them |
//! | [`id`] | the ids Clerk uses |

pub mod client;
pub mod id;
pub mod token;
pub mod user;
pub mod webhook;

pub use client::{
    ClerkClient, ClientError, ClientSettings, CreateInvitation, Invitation, InvitationList, InvitationQuery,
    InvitationStatus, InviteOutcome, NotSent, Unknown,
};
pub use id::{ClerkUserId, IdError, InvitationId};
pub use token::{ClerkTokens, Organization, TokenRejection, TokenSettings, VerifiedToken};
pub use user::{ClerkUser, EmailAddress};
pub use webhook::{ClerkEvent, ClerkEventKind, ClerkWebhooks, SecretError, WebhookRejection, WebhookSecret};
