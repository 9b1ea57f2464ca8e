//! Asking for one person. Source: <https://clerk.com/docs/reference/backend/user/get-user>.

use reqwest::Method;

use super::{ClerkClient, ClientError};
use crate::clerk::{id::ClerkUserId, user::ClerkUser};

impl ClerkClient {
    /// The person of that id; [`ClientError::NotFound`] where there is none any more.
    pub async fn user(&self, id: &ClerkUserId) -> Result<ClerkUser, ClientError> {
        self.ask("users.get", self.request(Method::GET, &["users", id.as_str()])).await
    }
}
