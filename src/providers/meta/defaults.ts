/** Where the Graph API is when nobody says otherwise. */

export const defaultBaseUrl = 'https://graph.facebook.com'
export const defaultApiVersion = 'v24.0'
