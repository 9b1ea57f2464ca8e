use crate::{DbError, Tx};

impl Tx {
    /// Forgets the first answers in which one of these words stands (a number, an id); says how many.
    pub async fn forget_answers_naming(&mut self, words: &[String]) -> Result<u64, DbError> {
        let tenant = self.tenant();
        let forgotten = sqlx::query!(
            "delete from idempotency_keys k where k.tenant_id = $1
               and exists (select from unnest($2::text[]) as named(word) where position(named.word in k.answer::text) > 0)",
            tenant.as_uuid(),
            words
        )
        .execute(self.conn().await?)
        .await?;
        Ok(forgotten.rows_affected())
    }
}
