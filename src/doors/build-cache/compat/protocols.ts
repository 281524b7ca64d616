import { azureBlobs } from './azure-blobs.ts';
import { type BazelOptions, bazel } from './bazel.ts';
import { ccache } from './ccache.ts';
import { type GithubActionsOptions, githubActions } from './github-actions.ts';
import { type GradleOptions, gradle } from './gradle.ts';
import { maven } from './maven.ts';
import { nx } from './nx.ts';
import { plain } from './plain.ts';
import type { Protocol } from './protocol.ts';
import { rush } from './rush.ts';
import { type TurborepoOptions, turborepo } from './turborepo.ts';
import { webdav } from './webdav.ts';

export interface ProtocolsOptions
  extends BazelOptions,
    GradleOptions,
    GithubActionsOptions,
    TurborepoOptions {}

/** All that are served; one file each beside this one. */
export function allProtocols(options: ProtocolsOptions): readonly Protocol[] {
  const { metrics, audit, proxies, actionResults, gradleOversize, version } = options;
  return [
    turborepo(options),
    nx(),
    bazel({ metrics, actionResults, version }),
    ccache({ audit, proxies }),
    gradle({ audit, proxies, gradleOversize }),
    rush({ audit, proxies }),
    maven({ audit, proxies }),
    plain({ audit, proxies }),
    webdav({ audit, proxies }),
    githubActions(options),
    azureBlobs(options),
  ];
}
