<?php

/**
 * A worker that has binaries built without waiting for them:
 *
 *     php -S 127.0.0.1:8000 worker.php
 *
 * GET /download/hello/v1.2.3 asks for a build; whatever else is asked for is greeted.
 */

$path = (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if (preg_match('#^/download/([a-z]+)/(v\d[\w.-]*)$#', $path, $asked)) {
    [, $name, $version] = $asked;
    $body = json_encode([
        'request_id' => uuid(),
        'rr_version' => $version,
        'plugins' => [['module_name' => "example.com/$name", 'tag' => $version]],
    ]);
    header('X-Velox-Build: true');
    header('Content-Type: application/json');
    header("Content-Disposition: attachment; filename=\"$name\"");
} else {
    $body = "Hello from $path\n";
    header('Content-Type: text/plain');
    header('Cache-Control: no-store');
}

// How long the worker was busy with this request, in milliseconds.
$busy = (microtime(true) - $_SERVER['REQUEST_TIME_FLOAT']) * 1000;
header(sprintf('Server-Timing: worker;dur=%.2f', $busy));
echo $body;

function uuid(): string
{
    $bytes = random_bytes(16);
    $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x40);
    $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);

    return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
}
