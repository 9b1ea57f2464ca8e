//! People of the business: through the API, over HTTP, with tokens of the simulated Clerk instance.

use std::time::Instant;

use nmc_kernel::Role;
use nmc_providers::clerk::InvitationId;
use nmc_simulators::clerk::TokenRequest;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Demo, eventually};
use crate::{SandboxError, run::say};

/// What the person writes.
const ANSWER: &str = "This is Tess of Example Plumbing. I can be there at 3 today.";
/// Whom the owner invites.
const COLLEAGUE: &str = "newcomer@example.com";

impl Demo {
    /// A technician signs in, reads what was said, takes over, answers, and gives the conversation back.
    pub(super) async fn a_person_answers(&mut self) -> Result<(), SandboxError> {
        say("A person of the business signs in, reads, takes over and answers");
        let began = Instant::now();
        let tech = self.installation.token(Role::Tech)?;
        let me = self.api(Method::GET, "/me", Some(&tech), None).await?;
        self.check("the token of a technician signs in", began, me.status == 200 && me.body["role"] == "TECH");
        let (nobody, forged) = (
            self.api(Method::GET, "/conversations", None, None).await?.status,
            self.api(Method::GET, "/conversations", Some(&forged(&tech)), None).await?.status,
        );
        self.check("no token and a forged one are answered with 401", began, (nobody, forged) == (401, 401));

        let list = self.api(Method::GET, "/conversations", Some(&tech), None).await?.body;
        let found = list["items"].as_array().filter(|items| items.len() == 1).map(|items| items[0].clone());
        let conversation = found.unwrap_or_default();
        let is_the_callers = conversation["caller_phone"] == self.caller.as_str();
        self.check("the list has the caller's conversation", began, is_the_callers);
        let path = format!("/conversations/{}", conversation["id"].as_str().unwrap_or_default());
        let messages = self.api(Method::GET, &format!("{path}/messages"), Some(&tech), None).await?.body;
        let said: Vec<&str> = messages["items"].as_array().into_iter().flatten().map(direction).collect();
        self.check("it has what both have said, the newest first", began, said == ["out", "in", "out"]);

        let taken = self.api(Method::POST, &format!("{path}/takeover"), Some(&tech), None).await?;
        let is_human =
            self.holds("select count(*) = 1 from conv_conversations where state = 'human' and epoch = 1").await?;
        self.check("taken over: the automation is silent", began, taken.body["changed"] == true && is_human);

        let text = json!({"body": ANSWER, "client_dedup_key": "demo-1"});
        let path_of_messages = format!("{path}/messages");
        let first = self.api(Method::POST, &path_of_messages, Some(&tech), Some(&text)).await?;
        let again = self.api(Method::POST, &path_of_messages, Some(&tech), Some(&text)).await?;
        let is_one = first.status == 201 && first.body["message_id"] == again.body["message_id"];
        self.check("an answer is taken; sent again by mistake it is the same message", began, is_one);
        let delivered = self
            .becomes("select count(*) = 1 from conv_messages where purpose = 'human' and status = 'delivered'")
            .await?;
        let (twilio, caller) = (self.installation.twilio.clone(), self.caller.clone());
        let texts = twilio.accepted_to(&caller);
        let arrived = texts.len() == 3 && texts.last().is_some_and(|text| text.body == ANSWER);
        self.check("it is delivered, and Twilio has it once", began, delivered && arrived);
        let waits = self.holds("select bool_or(waiting_since is not null) from conv_conversations").await?;
        self.check("the caller waits for nobody any more", began, !waits);

        let given_back = self.api(Method::POST, &format!("{path}/release"), Some(&tech), None).await?;
        let is_open =
            self.holds("select count(*) = 1 from conv_conversations where state = 'open' and epoch = 2").await?;
        self.check("given back to the automation", began, given_back.body["changed"] == true && is_open);
        let logged = self
            .holds("select count(*) = 2 from id_audit_log l join id_users u on u.id = l.actor_id where u.role = 'TECH'")
            .await?;
        self.check("the log says who took it over and gave it back", began, logged);
        Ok(())
    }

    /// An owner invites, Clerk sends, the invited person signs up, and can work.
    pub(super) async fn a_colleague_is_invited(&mut self) -> Result<(), SandboxError> {
        say("The owner invites a colleague");
        let began = Instant::now();
        let (owner, tech) = (self.installation.token(Role::Owner)?, self.installation.token(Role::Tech)?);
        let invitation = json!({"email": COLLEAGUE, "role": "TECH"});
        let refused = self.api(Method::POST, "/users/invite", Some(&tech), Some(&invitation)).await?;
        self.check("a technician may not: 403", began, refused.status == 403);
        let invited = self.api(Method::POST, "/users/invite", Some(&owner), Some(&invitation)).await?;
        self.check("the owner may", began, (200..300).contains(&invited.status));
        let clerk = self.installation.clerk.clone();
        let sent = eventually(async || clerk.invitations().len() == 1).await;
        self.check("Clerk has the invitation, once", began, sent);
        let Some(id) = clerk.invitations().first().map(|invitation| invitation.id.clone()) else { return Ok(()) };
        let user = self.accept(&id)?;
        let joined = self.becomes("select count(*) = 3 from id_users where active").await?;
        self.check("the colleague signs up and belongs to the business", began, joined);
        let token = clerk.token(&TokenRequest::of(user)).map_err(SandboxError::io("no token could be signed"))?;
        let me = self.api(Method::GET, "/me", Some(&token), None).await?;
        self.check("and signs in as a technician", began, me.status == 200 && me.body["role"] == "TECH");
        Ok(())
    }

    fn accept(&self, id: &InvitationId) -> Result<nmc_providers::clerk::ClerkUserId, SandboxError> {
        let accepted = self.installation.clerk.accept_invitation(id);
        let user = accepted.map_err(SandboxError::io("the invitation could not be accepted"))?;
        user.map(|user| user.id).ok_or_else(|| SandboxError::Demo("the invitation was not open".to_owned()))
    }
}

fn direction(message: &Value) -> &str {
    message["direction"].as_str().unwrap_or_default()
}

/// The same claims under a signature that is not of them.
fn forged(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    format!("{message}.{}", signature.chars().rev().collect::<String>())
}
