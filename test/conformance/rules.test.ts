/**
 * What RFC 9111 and those beside it ask of a cache, told as stories by section. All in one process: to load the proxy
 * takes longer than to tell the stories of a file. Each file can be run by itself as well.
 */
import './stories/age.ts';
import './stories/cache-status.ts';
import './stories/cdn-cache-control.ts';
import './stories/freshness.ts';
import './stories/head.ts';
import './stories/interim.ts';
import './stories/invalidation.ts';
import './stories/ranges.ts';
import './stories/request-directives.ts';
import './stories/stale.ts';
import './stories/storing.ts';
import './stories/validation.ts';
import './stories/vary.ts';
