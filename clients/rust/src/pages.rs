//! Lists whole, page after page.

use std::collections::VecDeque;

use futures_util::{Stream, stream::try_unfold};

use crate::{Client, Error, pb};

/// Items asked for a page, unless the request says how many: the server's most.
const PAGE_SIZE: i32 = 1_000;

/// Lists that follow `next_page_token` to their end.
///
/// A page is asked for when the one before it is used up. Pages need not show the list at one
/// instant; none misses or repeats an item that stayed.
impl Client {
    /// Lists the documents of a room that have hats, by user JID.
    pub fn all_room_hats(
        &self,
        request: pb::ListRoomHatsRequest,
    ) -> impl Stream<Item = Result<pb::UserHats, Error>> + Send + 'static {
        let client = self.clone();
        pages((request.page_size, request.page_token.clone()), move |page_size, page_token| {
            let (client, request) = (client.clone(), request.clone());
            async move {
                let request = pb::ListRoomHatsRequest { page_size, page_token, ..request };
                let page = client.list_room_hats(request).await?;
                Ok((page.users, page.next_page_token))
            }
        })
    }

    /// Lists a user's documents that have hats, by room.
    pub fn all_user_hats(
        &self,
        request: pb::ListUserHatsRequest,
    ) -> impl Stream<Item = Result<pb::UserHats, Error>> + Send + 'static {
        let client = self.clone();
        pages((request.page_size, request.page_token.clone()), move |page_size, page_token| {
            let (client, request) = (client.clone(), request.clone());
            async move {
                let request = pb::ListUserHatsRequest { page_size, page_token, ..request };
                let page = client.list_user_hats(request).await?;
                Ok((page.rooms, page.next_page_token))
            }
        })
    }

    /// Lists a room's catalogue, by hat id.
    pub fn all_hat_definitions(
        &self,
        request: pb::ListHatDefinitionsRequest,
    ) -> impl Stream<Item = Result<pb::HatDefinition, Error>> + Send + 'static {
        let client = self.clone();
        pages((request.page_size, request.page_token.clone()), move |page_size, page_token| {
            let (client, request) = (client.clone(), request.clone());
            async move {
                let request = pb::ListHatDefinitionsRequest { page_size, page_token, ..request };
                let page = client.list_hat_definitions(request).await?;
                Ok((page.definitions, page.next_page_token))
            }
        })
    }

    /// Lists the rooms, by domain and then local part.
    pub fn all_rooms(
        &self,
        request: pb::ListRoomsRequest,
    ) -> impl Stream<Item = Result<pb::Room, Error>> + Send + 'static {
        let client = self.clone();
        pages((request.page_size, request.page_token.clone()), move |page_size, page_token| {
            let (client, request) = (client.clone(), request.clone());
            async move {
                let request = pb::ListRoomsRequest { page_size, page_token, ..request };
                let page = client.list_rooms(request).await?;
                Ok((page.rooms, page.next_page_token))
            }
        })
    }

    /// Lists the affiliations of a room other than NONE, by user JID.
    pub fn all_affiliations(
        &self,
        request: pb::ListAffiliationsRequest,
    ) -> impl Stream<Item = Result<pb::UserAffiliation, Error>> + Send + 'static {
        let client = self.clone();
        pages((request.page_size, request.page_token.clone()), move |page_size, page_token| {
            let (client, request) = (client.clone(), request.clone());
            async move {
                let request = pb::ListAffiliationsRequest { page_size, page_token, ..request };
                let page = client.list_affiliations(request).await?;
                Ok((page.affiliations, page.next_page_token))
            }
        })
    }
}

/// Where a list stands: the rest of its page, and the token of the next. No token: there is none.
struct Cursor<T> {
    page: VecDeque<T>,
    next_page_token: Option<String>,
}

/// Streams the items of the pages that `fetch` answers to a page size and a page token.
fn pages<T, F, Fut>(
    (page_size, page_token): (i32, String),
    fetch: F,
) -> impl Stream<Item = Result<T, Error>> + Send + 'static
where
    T: Send + 'static,
    F: Fn(i32, String) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(Vec<T>, String), Error>> + Send + 'static,
{
    let page_size = if page_size == 0 { PAGE_SIZE } else { page_size };
    let start = Cursor { page: VecDeque::new(), next_page_token: Some(page_token) };
    try_unfold(start, move |mut cursor| {
        let fetch = fetch.clone();
        async move {
            loop {
                if let Some(item) = cursor.page.pop_front() {
                    return Ok(Some((item, cursor)));
                }
                let Some(page_token) = cursor.next_page_token else { return Ok(None) };
                let (page, next_page_token) = fetch(page_size, page_token).await?;
                cursor = Cursor {
                    page: page.into(),
                    next_page_token: Some(next_page_token).filter(|token| !token.is_empty()),
                };
            }
        }
    })
}
