//! What has come of it.

use nmc_compliance::Decision;
use nmc_conversation::{ConversationRecord, ConversationState, Direction, Message};
use nmc_kernel::{CallId, E164};

use super::World;

impl World {
    pub(crate) async fn thread(&self, caller: &E164) -> Option<ConversationRecord> {
        self.app.conversation.conversation_with(&self.owner(), caller).await.unwrap()
    }

    pub(crate) async fn state(&self, caller: &E164) -> Option<ConversationState> {
        self.thread(caller).await.map(|thread| thread.state)
    }

    pub(crate) async fn messages(&self, caller: &E164) -> Vec<Message> {
        match self.thread(caller).await {
            Some(thread) => self.app.conversation.messages(&self.owner(), thread.id).await.unwrap(),
            None => Vec::new(),
        }
    }

    pub(crate) async fn outbound(&self, caller: &E164) -> Vec<Message> {
        self.messages(caller).await.into_iter().filter(|message| message.direction == Direction::Out).collect()
    }

    /// Kinds of the open tasks, sorted: those of one moment have no order.
    pub(crate) async fn tasks(&self) -> Vec<&'static str> {
        let tasks = self.app.conversation.open_tasks(&self.owner()).await.unwrap();
        let mut kinds: Vec<_> = tasks.iter().map(|task| task.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds
    }

    /// What became of a call, and the gate's reasons for it.
    pub(crate) async fn why(&self, call: CallId) -> (&'static str, Vec<Decision>) {
        let why = self.app.conversation.why_call(&self.owner(), call).await.unwrap().unwrap();
        (why.contact.outcome.as_str(), why.decisions.into_iter().map(|stored| stored.decision).collect())
    }

    /// What the audit log says was done, in order.
    pub(crate) async fn audited(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select action from id_audit_log where object in ('conversation', 'task', 'template') order by seq",
        )
        .fetch_all(&mut self.superuser().await)
        .await
        .unwrap()
    }

    /// The payloads of the events of a name, in the order of their writing.
    pub(crate) async fn events(&self, name: &str) -> Vec<serde_json::Value> {
        sqlx::query_scalar("select payload from outbox_events where event_name = $1 order by seq")
            .bind(format!("nmc.{name}"))
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }

    pub(crate) async fn intent_states(&self) -> Vec<String> {
        sqlx::query_scalar("select state from effect_intents order by seq")
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap()
    }
}
