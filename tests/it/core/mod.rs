//! What every write promises, small input by small input: for each vendor that can have it, in
//! every profile, alone and as the operation of a bulk request.
//!
//! | File | Subject |
//! |---|---|
//! | `stand` | a vendor's emulator and a gateway before it |
//! | `vendors` | in what the vendors differ |
//! | `play` | a case on all of them |
//! | `answer`, `picture` | what a request was answered; all there is, to compare |
//! | `repeated_post`, `lost_reply` | a POST that comes again, with and without an answer before |
//! | `concurrent_posts` | many POSTs of one name at once |
//! | `external_id` | `externalId` names nobody |
//! | `refused_group_change`, `later_members` | members that do not exist, or not yet |
//! | `empty_members` | a list that is empty, and one that is not there |
//! | `names` | one name in several spellings |
//! | `absence` | what is gone in the middle of a request |
//! | `stale_answers` | answers from the last reading |
//! | `made_again` | users whom the vendor removes by itself |
//! | `judged_first` | values that are refused before anything is written |
//! | `managers`, `addresses` | references to nobody; several e-mail addresses of one type |
//! | `disabling_stands` | a leaver is disabled, whatever else is refused |
//! | `served` | `/Schemas`, the pages and what is done say the same |
//! | `published`, `leaf` | what `/Schemas` says of each attribute is what is done |
//! | `each_call` | each call of a request goes wrong in turn, in every way |

mod absence;
mod addresses;
mod answer;
mod concurrent_posts;
mod disabling_stands;
mod each_call;
mod empty_members;
mod external_id;
mod judged_first;
mod later_members;
mod leaf;
mod lost_reply;
mod made_again;
mod managers;
mod names;
mod picture;
mod play;
mod published;
mod refused_group_change;
mod repeated_post;
mod served;
mod stale_answers;
mod stand;
mod vendors;
