//! The messages of the API, field by field.

use super::shape::{Kind, Shape};

const NAMES: Kind = Kind::List(&Kind::Text);

pub(super) static GENERATE: Shape = Shape {
    name: "GenerateContentRequest",
    fields: &[
        ("model", Kind::Text),
        ("contents", Kind::List(&Kind::Message(&CONTENT))),
        ("system_instruction", Kind::Message(&CONTENT)),
        ("tools", Kind::List(&Kind::Message(&TOOL))),
        ("tool_config", Kind::Message(&TOOL_CONFIG)),
        ("safety_settings", Kind::List(&Kind::Message(&SAFETY_SETTING))),
        ("generation_config", Kind::Message(&GENERATION_CONFIG)),
        ("cached_content", Kind::Text),
        (
            "service_tier",
            Kind::Choice("ServiceTier", &["UNSPECIFIED", "STANDARD", "FLEX", "PRIORITY"]),
        ),
        ("continuation_token", Kind::Bytes),
        ("labels", Kind::Map(&Kind::Text)),
        ("store", Kind::Flag),
    ],
};

pub(super) static COUNT: Shape = Shape {
    name: "CountTokensRequest",
    fields: &[
        ("model", Kind::Text),
        ("contents", Kind::List(&Kind::Message(&CONTENT))),
        ("generate_content_request", Kind::Message(&GENERATE)),
    ],
};

static CONTENT: Shape = Shape {
    name: "Content",
    fields: &[("parts", Kind::List(&Kind::Message(&PART))), ("role", Kind::Text)],
};

static PART: Shape = Shape {
    name: "Part",
    fields: &[
        ("text", Kind::Text),
        ("inline_data", Kind::Message(&BLOB)),
        ("file_data", Kind::Message(&FILE_DATA)),
        ("function_call", Kind::Message(&FUNCTION_CALL)),
        ("function_response", Kind::Message(&FUNCTION_RESPONSE)),
        ("executable_code", Kind::Message(&EXECUTABLE_CODE)),
        ("code_execution_result", Kind::Message(&CODE_EXECUTION_RESULT)),
        ("tool_call", Kind::Message(&TOOL_CALL)),
        ("tool_response", Kind::Message(&TOOL_RESPONSE)),
        ("thought", Kind::Flag),
        ("thought_signature", Kind::Bytes),
        ("part_metadata", Kind::Object),
        ("media_resolution", Kind::Json),
        ("media_processing", Kind::Json),
        ("video_metadata", Kind::Object),
        ("speech_metadata", Kind::Object),
        ("document_metadata", Kind::Object),
        ("spreadsheet_metadata", Kind::Object),
        ("audio_metadata", Kind::Object),
        ("audio_transcription", Kind::Object),
    ],
};

static BLOB: Shape = Shape {
    name: "Blob",
    fields: &[
        ("mime_type", Kind::Text),
        ("data", Kind::Bytes),
        ("display_name", Kind::Text),
    ],
};

static FILE_DATA: Shape = Shape {
    name: "FileData",
    fields: &[
        ("mime_type", Kind::Text),
        ("file_uri", Kind::Text),
        ("display_name", Kind::Text),
    ],
};

static FUNCTION_CALL: Shape = Shape {
    name: "FunctionCall",
    fields: &[("id", Kind::Text), ("name", Kind::Text), ("args", Kind::Object)],
};

static FUNCTION_RESPONSE: Shape = Shape {
    name: "FunctionResponse",
    fields: &[
        ("id", Kind::Text),
        ("name", Kind::Text),
        ("response", Kind::Object),
        ("parts", Kind::List(&Kind::Message(&FUNCTION_RESPONSE_PART))),
        ("will_continue", Kind::Flag),
        (
            "scheduling",
            Kind::Choice(
                "FunctionResponse.Scheduling",
                &["SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"],
            ),
        ),
    ],
};

static FUNCTION_RESPONSE_PART: Shape = Shape {
    name: "FunctionResponsePart",
    fields: &[
        ("inline_data", Kind::Message(&BLOB)),
        ("file_data", Kind::Message(&FILE_DATA)),
        ("media_resolution", Kind::Json),
        ("media_processing", Kind::Json),
        ("video_metadata", Kind::Object),
        ("document_metadata", Kind::Object),
        ("spreadsheet_metadata", Kind::Object),
        ("audio_metadata", Kind::Object),
    ],
};

static EXECUTABLE_CODE: Shape = Shape {
    name: "ExecutableCode",
    fields: &[
        ("id", Kind::Text),
        (
            "language",
            Kind::Choice("ExecutableCode.Language", &["LANGUAGE_UNSPECIFIED", "PYTHON"]),
        ),
        ("code", Kind::Text),
    ],
};

static CODE_EXECUTION_RESULT: Shape = Shape {
    name: "CodeExecutionResult",
    fields: &[
        ("id", Kind::Text),
        (
            "outcome",
            Kind::Choice(
                "CodeExecutionResult.Outcome",
                &[
                    "OUTCOME_UNSPECIFIED",
                    "OUTCOME_OK",
                    "OUTCOME_FAILED",
                    "OUTCOME_DEADLINE_EXCEEDED",
                ],
            ),
        ),
        ("output", Kind::Text),
    ],
};

static TOOL_CALL: Shape = Shape {
    name: "ToolCall",
    fields: &[
        ("id", Kind::Text),
        ("tool_type", Kind::Text),
        ("args", Kind::Object),
    ],
};

static TOOL_RESPONSE: Shape = Shape {
    name: "ToolResponse",
    fields: &[
        ("id", Kind::Text),
        ("tool_type", Kind::Text),
        ("response", Kind::Object),
    ],
};

static TOOL: Shape = Shape {
    name: "Tool",
    fields: &[
        (
            "function_declarations",
            Kind::List(&Kind::Message(&FUNCTION_DECLARATION)),
        ),
        ("google_search", Kind::Object),
        ("google_search_retrieval", Kind::Object),
        ("google_maps", Kind::Object),
        ("url_context", Kind::Object),
        ("code_execution", Kind::Object),
        ("computer_use", Kind::Object),
        ("file_search", Kind::Object),
        ("mcp_servers", Kind::List(&Kind::Object)),
    ],
};

static FUNCTION_DECLARATION: Shape = Shape {
    name: "FunctionDeclaration",
    fields: &[
        ("name", Kind::Text),
        ("description", Kind::Text),
        ("parameters", Kind::Message(&SCHEMA)),
        ("parameters_json_schema", Kind::Object),
        ("response", Kind::Message(&SCHEMA)),
        ("response_json_schema", Kind::Object),
        (
            "behavior",
            Kind::Choice(
                "FunctionDeclaration.Behavior",
                &["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"],
            ),
        ),
    ],
};

/// The subset of OpenAPI that stands for a schema.
static SCHEMA: Shape = Shape {
    name: "Schema",
    fields: &[
        (
            "type",
            Kind::Choice(
                "Type",
                &[
                    "TYPE_UNSPECIFIED",
                    "STRING",
                    "NUMBER",
                    "INTEGER",
                    "BOOLEAN",
                    "ARRAY",
                    "OBJECT",
                    "NULL",
                ],
            ),
        ),
        ("format", Kind::Text),
        ("title", Kind::Text),
        ("description", Kind::Text),
        ("nullable", Kind::Flag),
        ("enum", NAMES),
        ("items", Kind::Message(&SCHEMA)),
        ("properties", Kind::Map(&Kind::Message(&SCHEMA))),
        ("required", NAMES),
        ("min_items", Kind::Integer),
        ("max_items", Kind::Integer),
        ("min_length", Kind::Integer),
        ("max_length", Kind::Integer),
        ("min_properties", Kind::Integer),
        ("max_properties", Kind::Integer),
        ("minimum", Kind::Number),
        ("maximum", Kind::Number),
        ("pattern", Kind::Text),
        ("any_of", Kind::List(&Kind::Message(&SCHEMA))),
        ("property_ordering", NAMES),
        ("default", Kind::Json),
        ("example", Kind::Json),
    ],
};

static TOOL_CONFIG: Shape = Shape {
    name: "ToolConfig",
    fields: &[
        ("function_calling_config", Kind::Message(&FUNCTION_CALLING_CONFIG)),
        ("retrieval_config", Kind::Object),
        ("include_server_side_tool_invocations", Kind::Flag),
    ],
};

static FUNCTION_CALLING_CONFIG: Shape = Shape {
    name: "FunctionCallingConfig",
    fields: &[
        (
            "mode",
            Kind::Choice(
                "FunctionCallingConfig.Mode",
                &["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"],
            ),
        ),
        ("allowed_function_names", NAMES),
    ],
};

static SAFETY_SETTING: Shape = Shape {
    name: "SafetySetting",
    fields: &[
        (
            "category",
            Kind::Choice(
                "HarmCategory",
                &[
                    "HARM_CATEGORY_UNSPECIFIED",
                    "HARM_CATEGORY_HARASSMENT",
                    "HARM_CATEGORY_HATE_SPEECH",
                    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
                    "HARM_CATEGORY_DANGEROUS_CONTENT",
                    "HARM_CATEGORY_CIVIC_INTEGRITY",
                    "HARM_CATEGORY_JAILBREAK",
                ],
            ),
        ),
        (
            "threshold",
            Kind::Choice(
                "SafetySetting.HarmBlockThreshold",
                &[
                    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
                    "BLOCK_LOW_AND_ABOVE",
                    "BLOCK_MEDIUM_AND_ABOVE",
                    "BLOCK_ONLY_HIGH",
                    "BLOCK_NONE",
                    "OFF",
                ],
            ),
        ),
    ],
};

static GENERATION_CONFIG: Shape = Shape {
    name: "GenerationConfig",
    fields: &[
        ("temperature", Kind::Number),
        ("top_p", Kind::Number),
        ("top_k", Kind::Number),
        ("max_output_tokens", Kind::Integer),
        ("stop_sequences", NAMES),
        ("candidate_count", Kind::Integer),
        ("seed", Kind::Integer),
        ("presence_penalty", Kind::Number),
        ("frequency_penalty", Kind::Number),
        ("response_logprobs", Kind::Flag),
        ("logprobs", Kind::Integer),
        ("response_mime_type", Kind::Text),
        ("response_schema", Kind::Message(&SCHEMA)),
        ("response_json_schema", Kind::Object),
        ("response_modalities", NAMES),
        ("thinking_config", Kind::Message(&THINKING_CONFIG)),
        (
            "media_resolution",
            Kind::Choice(
                "GenerationConfig.MediaResolution",
                &[
                    "MEDIA_RESOLUTION_UNSPECIFIED",
                    "MEDIA_RESOLUTION_LOW",
                    "MEDIA_RESOLUTION_MEDIUM",
                    "MEDIA_RESOLUTION_HIGH",
                ],
            ),
        ),
        ("speech_config", Kind::Object),
        ("image_config", Kind::Object),
        ("audio_transcription_config", Kind::Object),
        ("enable_enhanced_civic_answers", Kind::Flag),
    ],
};

static THINKING_CONFIG: Shape = Shape {
    name: "ThinkingConfig",
    fields: &[
        ("include_thoughts", Kind::Flag),
        ("thinking_budget", Kind::Integer),
        (
            "thinking_level",
            Kind::Choice(
                "ThinkingConfig.ThinkingLevel",
                &[
                    "THINKING_LEVEL_UNSPECIFIED",
                    "MINIMAL",
                    "LOW",
                    "MEDIUM",
                    "HIGH",
                    "XHIGH",
                ],
            ),
        ),
    ],
};
