import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { type OnBytes, sendBody } from '../../http/transfer.ts';
import { JSON_FIELDS, type Listing, listingJson } from './listing.ts';
import { listingFormat } from './listing-format.ts';
import { linkBase, listingPage, PAGE_FIELDS } from './listing-page.ts';

export interface ListingOptions {
  /** The path of the address, as it was sent. */
  readonly written: string;
  /** Whatever the client would rather have. */
  readonly wantsJson: boolean;
  readonly onBytes: OnBytes;
}

/** Answers a GET or a HEAD with what is in a folder, as JSON or as a page. */
export async function answerListing(
  { method, headers }: FastifyRequest,
  response: ServerResponse,
  listing: Listing,
  { written, wantsJson, onBytes }: ListingOptions,
): Promise<void> {
  const isPage = !wantsJson && listingFormat(headers.accept) === 'html';
  response.writeHead(200, [...(isPage ? PAGE_FIELDS : JSON_FIELDS)]);
  if (method === 'HEAD') response.end();
  else
    await sendBody(
      response,
      isPage ? listingPage(listing, linkBase(written)) : listingJson(listing),
      onBytes,
    );
}
