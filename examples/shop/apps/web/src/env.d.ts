/** Where the server is. Replaced by its value when the bundle is built. */
declare const SHOP_API_URL: string;
